internal import FeatureStore
internal import Ingest

/// JSON events, with every type of field and every kind of time.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt { targets.decode(data, count) }

nonisolated(unsafe) private let targets: DecoderTarget = {
    let formats: [EventTime.Format] = [.epochSeconds, .epochMilliseconds, .epochMicroseconds, .rfc3339, .kafka]
    return DecoderTarget(formats.map { format in
        DecoderTarget.stream(format: .json, time: EventTime(path: FieldPath("event_time"), format: format))
    }, descriptorSet: nil)
}()
