internal import LMDB

/// The shards of this process, by partition number, and the lookups over them.
///
/// Thread-safe: lookups run on any thread while ingest opens, applies to and closes shards.
public final class Store: Sendable {
    public let definitions: Definitions

    init(definitions: Definitions) { self.definitions = definitions }

    /// The plan of a feature service. Throws `unknownService`.
    public func plan(service: String) throws(LookupError) -> VectorPlan { throw .unknownService(service, known: []) }

    /// The plan of features named one by one; all must belong to one entity.
    public func plan(features: [String]) throws(LookupError) -> VectorPlan { throw .mixedEntities([]) }

    /// The values of one entity at `asOf` (µs since the epoch). Values are `stale` when a shard is more than `maxStaleness` behind (nil: the
    /// plan's). A few µs; blocks on nothing but page faults.
    public func lookup(
        _ plan: VectorPlan, key: UnsafeRawBufferPointer, asOf: Int64, maxStaleness: Microseconds? = nil
    ) throws(LookupError) -> Vector { throw .emptyKey }

    /// Every open or stopped shard, by number.
    public func shardStatuses() -> [ShardStatus] { [] }

    /// Whether the process expects shards that are not open yet (before the first assignment).
    public var isAssigned: Bool { false }

    /// Wall-clock microseconds since the epoch.
    public static func now() -> Int64 { 0 }
}
