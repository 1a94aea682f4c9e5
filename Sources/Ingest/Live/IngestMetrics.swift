internal import Synchronization

/// Counters of ingest that are not part of the state: they start at 0 with the process.
public final class IngestMetrics: Sendable {
    /// Upper bounds, in seconds, of the buckets of `latency`.
    public static let latencyBounds: [Double] = [0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60]

    private struct State {
        var recordsConsumed: UInt64 = 0
        var bytesConsumed: UInt64 = 0
        var deadLetters: UInt64 = 0
        var deadLettersFailed: UInt64 = 0
        var decoding: Duration = .zero
        var latency = [UInt64](repeating: 0, count: IngestMetrics.latencyBounds.count + 1)
        var latencySum: Double = 0
        var latencyCount: UInt64 = 0
    }

    private let state = Mutex(State())

    public struct Snapshot: Sendable {
        public var recordsConsumed: UInt64
        public var bytesConsumed: UInt64
        public var deadLetters: UInt64
        public var deadLettersFailed: UInt64
        public var decodingSeconds: Double
        /// Records by age at commit (broker timestamp to committed), per bound, not cumulated; the last is beyond all bounds.
        public var latency: [UInt64]
        public var latencySum: Double
        public var latencyCount: UInt64
    }

    public init() {}

    func record(records: Int, bytes: Int, decoding: Duration) {
        state.withLock { state in
            state.recordsConsumed += UInt64(records)
            state.bytesConsumed += UInt64(bytes)
            state.decoding += decoding
        }
    }

    func recordDeadLetters(_ count: Int, failed: Int) {
        state.withLock { state in
            state.deadLetters += UInt64(count)
            state.deadLettersFailed += UInt64(failed)
        }
    }

    /// The age of a batch's oldest record when it was committed.
    func recordLatency(seconds: Double) {
        let bucket = Self.latencyBounds.firstIndex { seconds <= $0 } ?? Self.latencyBounds.count
        state.withLock { state in
            state.latency[bucket] += 1
            state.latencySum += seconds
            state.latencyCount += 1
        }
    }

    public func snapshot() -> Snapshot {
        state.withLock { state in
            Snapshot(
                recordsConsumed: state.recordsConsumed, bytesConsumed: state.bytesConsumed, deadLetters: state.deadLetters,
                deadLettersFailed: state.deadLettersFailed,
                decodingSeconds: Double(state.decoding.components.seconds) + Double(state.decoding.components.attoseconds) / 1e18,
                latency: state.latency, latencySum: state.latencySum, latencyCount: state.latencyCount)
        }
    }
}
