internal import FeatureStore
internal import JSONBytes
internal import Synchronization

/// The shards' statuses as of a few milliseconds ago.
///
/// Every answer names source positions and freshness. Asking the store for them costs more than the lookup itself, so they are
/// remembered for `maxAge`. Because they are taken *before* the values are read, positions claim at most what the values hold.
final class ShardView: Sendable {
    final class Snapshot: Sendable {
        let taken: ContinuousClock.Instant
        /// By number.
        private let shards: [SeenShard?]

        init(_ statuses: [ShardStatus], taken: ContinuousClock.Instant) {
            self.taken = taken
            var shards = [SeenShard?](repeating: nil, count: (statuses.lazy.map(\.shard).max() ?? -1) + 1)
            for status in statuses { shards[status.shard] = SeenShard(status) }
            self.shards = shards
        }

        subscript(shard: Int) -> SeenShard? { shards.indices.contains(shard) ? shards[shard] : nil }
    }

    /// A status, and the part of an answer that it alone decides, rendered once.
    final class SeenShard: Sendable {
        let status: ShardStatus
        /// `[{"topic":"clicks",…},…]`
        let jsonPositions: [UInt8]

        init(_ status: ShardStatus) {
            self.status = status
            var json = JSONWriter()
            json.positions(status.positions)
            jsonPositions = json.bytes
        }
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
