internal import FeatureStore
internal import Synchronization

/// The vectors of one entity that were merged over shards, kept for the next requests: a popular product is asked for again and again, and
/// every shard has a part of it.
///
/// Nothing is served that is older than `maxAge`, or than the service's `max_staleness`. From half of that age on the next request reads it anew while the others still get the
/// kept one, so what is hot is never waited for. Bounded: when it is full, what was not used since the last time it was full goes.
final class MergedCache: Sendable {
    struct Kept {
        let vector: Vector
        /// When it was read, µs since the epoch; the values are as of then.
        let asOf: Int64
        /// Positions and freshness from before it was read.
        let view: ShardView.Snapshot
        /// Held, so that no other plan comes to have its identity.
        let plan: VectorPlan
        var isUsed = false
        var isRefreshing = false
    }

    private struct Key: Hashable {
        let plan: ObjectIdentifier
        let key: String
    }

    private let settings: CacheSettings
    private let kept = Mutex<[Key: Kept]>([:])
    /// What is kept is from after so many erasures.
    private let erasures = Atomic<UInt64>(0)

    init(_ settings: CacheSettings) { self.settings = settings }

    /// What may be served at `now`; nil: it must be read, and then kept.
    func find(_ plan: VectorPlan, _ key: String, now: Int64) -> Kept? {
        let place = Key(plan: ObjectIdentifier(plan), key: key)
        return kept.withLock { all in
            guard let found = all[place] else { return nil }
            let age = now - found.asOf, maxAge = Swift.min(settings.maxAge, plan.maxStaleness ?? .max)
            guard (0...maxAge).contains(age) else { return nil }
            if age > maxAge / 2, !found.isRefreshing {
                all[place]?.isRefreshing = true
                return nil
            }
            if !found.isUsed { all[place]?.isUsed = true }
            return found
        }
    }

    func keep(_ vector: Vector, _ plan: VectorPlan, _ key: String, asOf: Int64, _ view: ShardView.Snapshot, erasures count: UInt64) {
        let place = Key(plan: ObjectIdentifier(plan), key: key)
        kept.withLock { all in
            guard erasures.load(ordering: .acquiring) == count else { return }
            if all.count >= settings.maxEntries, all[place] == nil { makeRoom(&all, now: asOf) }
            all[place] = Kept(vector: vector, asOf: asOf, view: view, plan: plan)
        }
    }

    /// Forgets everything when somebody was erased since the last call.
    func noteErasures(_ count: UInt64) {
        if erasures.exchange(count, ordering: .acquiringAndReleasing) != count { kept.withLock { $0.removeAll(keepingCapacity: true) } }
    }

    var count: Int { kept.withLock { $0.count } }

    private func makeRoom(_ all: inout [Key: Kept], now: Int64) {
        all = all.filter { $0.value.isUsed && now - $0.value.asOf <= settings.maxAge }
        if all.count >= settings.maxEntries { all.removeAll(keepingCapacity: true) }
        for place in all.keys { all[place]?.isUsed = false }
    }
}
