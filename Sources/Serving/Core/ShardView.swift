internal import FeatureStore
internal import Synchronization

/// The shards' statuses as of a few milliseconds ago.
///
/// Every answer names source positions and freshness. Asking the store for them costs more than the lookup itself, so they are
/// remembered for `maxAge`. Because they are taken *before* the values are read, positions claim at most what the values hold.
final class ShardView: Sendable {
    final class Snapshot: Sendable {
        let statuses: [ShardStatus]
        let taken: ContinuousClock.Instant
        private let indexes: [Int: Int]

        init(_ statuses: [ShardStatus], taken: ContinuousClock.Instant) {
            self.statuses = statuses
            self.taken = taken
            indexes = Dictionary(
                statuses.enumerated().map { ($0.element.shard, $0.offset) }, uniquingKeysWith: { first, _ in first })
        }

        func status(shard: Int) -> ShardStatus? { indexes[shard].map { statuses[$0] } }
    }

    static let maxAge = Duration.milliseconds(2)
    private let latest = Mutex<Snapshot?>(nil)
    private let read: @Sendable () -> [ShardStatus]

    init(source: LookupSource) { read = source.shardStatuses }

    /// - Parameter now: the caller's reading of the clock, so that it is read once a request.
    func snapshot(now: ContinuousClock.Instant) -> Snapshot {
        if let held = latest.withLock({ $0 }), held.taken + Self.maxAge > now { return held }
        let fresh = Snapshot(read(), taken: now)
        latest.withLock { $0 = fresh }
        return fresh
    }
}
