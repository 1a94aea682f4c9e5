internal import FeatureStore
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
    private let held = Atomic(0), share = Atomic(Int.max), waitingShards = Atomic(0), connected = Atomic(false)

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
        /// Bytes that the records of all shards take at this moment (`RecordCost`).
        public var heldBytes: Int
        /// Shards whose partitions are paused because they or all together hold enough.
        public var pausedShards: Int
        /// Whether a broker answers.
        public var isConnected: Bool
    }

    public init() {}

    /// What one shard may have at work at once.
    var shareBytes: Int { share.load(ordering: .relaxed) }
    func setShare(_ bytes: Int) { share.store(bytes, ordering: .relaxed) }
    func setHeld(_ bytes: Int, pausedShards: Int) {
        held.store(bytes, ordering: .relaxed)
        waitingShards.store(pausedShards, ordering: .relaxed)
    }
    func setConnected(_ isConnected: Bool) { connected.store(isConnected, ordering: .relaxed) }

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
                decodingSeconds: state.decoding.seconds, latency: state.latency, latencySum: state.latencySum,
                latencyCount: state.latencyCount, heldBytes: held.load(ordering: .relaxed),
                pausedShards: waitingShards.load(ordering: .relaxed), isConnected: connected.load(ordering: .relaxed))
        }
    }
}
