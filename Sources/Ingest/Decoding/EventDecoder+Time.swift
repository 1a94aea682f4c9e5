import FeatureStore
import JSONBytes

extension EventDecoder {
    /// Event times that the store takes: from 1970-01-02, so that a forgotten time (0) is noticed, to 2106-02-07, so that seconds fit in
    /// 32 bits.
    static var timeRange: ClosedRange<Int64> { 86_400_000_000...4_294_944_000_000_000 }

    /// µs since the epoch.
    @inline(__always)
    func eventTime(
        in payload: UnsafeRawBufferPointer, recordTime: Int64, _ batch: EventBatch
    ) throws(DecodeProblem) -> Int64 {
        let micros: Int64
        if time.format == .kafka || time.capture < 0 {
            guard recordTime >= 0 else { throw .noRecordTime }
            micros = recordTime
        } else {
            let raw = captures[time.capture]
            switch raw.kind {
            case .absent, .null: throw .missing
            case .notAnObject: throw .insideNoObject
            default: break
            }
            switch time.format {
            case _ where raw.kind == .instant: micros = Int64(bitPattern: raw.word)
            case .epochSeconds: micros = try epoch(raw, scale: 6, in: payload, batch)
            case .epochMilliseconds: micros = try epoch(raw, scale: 3, in: payload, batch)
            case .epochMicroseconds: micros = try epoch(raw, scale: 0, in: payload, batch)
            case .protobufTimestamp: micros = try timestamp(seconds: raw)
            case .rfc3339, .kafka:
                guard raw.kind == .text else { throw .wrongType }
                guard let parsed = TimeText.parseRFC3339(try text(raw, limit: .string, in: payload, batch)) else {
                    throw .notATime
                }
                micros = parsed
            }
        }
        guard Self.timeRange ~= micros else { throw .timeOutOfRange }
        return micros
    }

    /// A count of seconds, ms or µs; a fraction of a µs is rounded.
    private func epoch(
        _ raw: RawValue, scale: Int, in payload: UnsafeRawBufferPointer, _ batch: EventBatch
    ) throws(DecodeProblem) -> Int64 {
        do throws(DecodeProblem) {
            return try number(raw, scale: scale, isWhole: false, in: payload, batch)
        } catch {
            throw error == .outOfRange ? .timeOutOfRange : error
        }
    }

    /// google.protobuf.Timestamp: its nanoseconds always count forward.
    private func timestamp(seconds: RawValue) throws(DecodeProblem) -> Int64 {
        let nanos = Int64(bitPattern: captures[time.nanosCapture].word)
        guard 0...999_999_999 ~= nanos else { throw .notATime }
        let micros = Int64(bitPattern: seconds.word).multipliedReportingOverflow(by: 1_000_000)
        guard !micros.overflow else { throw .timeOutOfRange }
        let sum = micros.partialValue.addingReportingOverflow(nanos / 1_000)
        guard !sum.overflow else { throw .timeOutOfRange }
        return sum.partialValue
    }
}
