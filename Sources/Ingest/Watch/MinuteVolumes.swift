import FeatureStore

/// Events of a stream by the minute of their broker timestamps, and which minutes had too few or too many.
struct MinuteVolumes: Sendable {
    /// Of the minutes that are not judged yet; bounded.
    private var counts: [Int64: Int] = [:]
    /// The next one to judge.
    private var next: Int64
    private(set) var below: UInt64 = 0
    private(set) var above: UInt64 = 0
    private(set) var last: (minute: Int64, events: Int, isViolated: Bool)?

    private static let maxMinutes: Int64 = 120

    init(from minute: Int64) { next = minute }

    mutating func add(_ minute: Int64, _ events: Int) {
        // What is judged is over; what is far ahead is a clock that is wrong.
        guard minute >= next, minute < next + 2 * Self.maxMinutes else { return }
        counts[minute, default: 0] += events
    }

    mutating func judge(_ volume: VolumeExpectation, through minute: Int64) {
        guard minute >= next else { return }
        // After a long silence of whoever asks only the last two hours are judged.
        let first = Swift.max(next, minute - Self.maxMinutes + 1)
        for one in first...minute {
            let events = counts[one] ?? 0
            let isBelow = volume.min.map { events < $0 } ?? false, isAbove = volume.max.map { events > $0 } ?? false
            if isBelow { below += 1 }
            if isAbove { above += 1 }
            last = (one, events, isBelow || isAbove)
        }
        next = minute + 1
        counts = counts.filter { $0.key >= next }
    }
}
