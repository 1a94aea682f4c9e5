public import FeatureStore

/// What lookups are answered from: in production the `Store`, in tests a few closures.
///
/// The closures are called from any thread, often at the same time; `lookup` is on the hot path and must not block.
public struct LookupSource: Sendable {
    public var definitions: Definitions
    public var planService: @Sendable (_ name: String) throws(LookupError) -> VectorPlan
    public var planFeatures: @Sendable (_ names: [String]) throws(LookupError) -> VectorPlan
    public var lookup:
        @Sendable (_ plan: VectorPlan, _ key: UnsafeRawBufferPointer, _ asOf: Int64, _ maxStaleness: Microseconds?, _ vector: inout Vector)
            throws(LookupError) -> Void
    public var explain: @Sendable (Explanation.Query) throws(LookupError) -> Explanation
    public var shardStatuses: @Sendable () -> [ShardStatus]
    /// Of a partition, the offset after the newest record that is applied; nil: this process does not read it.
    public var nextOffset: @Sendable (_ topic: String, _ partition: Int) -> Int64?
    /// Grows when somebody is erased: what was kept of answers before is not served any more.
    public var erasureCount: @Sendable () -> UInt64 = { 0 }
    /// Reads every row.
    public var retention: @Sendable () throws -> RetentionReport = { RetentionReport() }
    /// False until the consumer group has told this process which shards it serves.
    public var isAssigned: @Sendable () -> Bool
    /// Wall-clock µs since the epoch.
    public var now: @Sendable () -> Int64

    public init(
        definitions: Definitions,
        planService: @escaping @Sendable (String) throws(LookupError) -> VectorPlan,
        planFeatures: @escaping @Sendable ([String]) throws(LookupError) -> VectorPlan,
        lookup: @escaping @Sendable (VectorPlan, UnsafeRawBufferPointer, Int64, Microseconds?, inout Vector) throws(LookupError) -> Void,
        explain: @escaping @Sendable (Explanation.Query) throws(LookupError) -> Explanation,
        shardStatuses: @escaping @Sendable () -> [ShardStatus],
        nextOffset: @escaping @Sendable (String, Int) -> Int64? = { _, _ in nil },
        isAssigned: @escaping @Sendable () -> Bool,
        now: @escaping @Sendable () -> Int64
    ) {
        self.definitions = definitions
        self.planService = planService
        self.planFeatures = planFeatures
        self.lookup = lookup
        self.explain = explain
        self.shardStatuses = shardStatuses
        self.nextOffset = nextOffset
        self.isAssigned = isAssigned
        self.now = now
    }

    public init(store: Store) {
        self.init(
            definitions: store.definitions,
            planService: { (name) throws(LookupError) in try store.plan(service: name) },
            planFeatures: { (names) throws(LookupError) in try store.plan(features: names) },
            lookup: { (plan, key, asOf, maxStaleness, vector) throws(LookupError) in
                try store.lookup(plan, key: key, asOf: asOf, maxStaleness: maxStaleness, into: &vector)
            },
            explain: { (query) throws(LookupError) in try store.explain(query) },
            shardStatuses: { store.shardStatuses() },
            nextOffset: { store.nextOffset(topic: $0, partition: $1) },
            isAssigned: { store.isAssigned },
            now: { Store.now() })
        retention = { try store.retentionReport() }
        if store.definitions.erasureStream != nil { erasureCount = { store.erasureCount } }
    }
}
