public import FeatureStore
public import Serving
public import Synchronization

/// A store made of closures: service `homepage` of entity `customer` with four features, one shard with two topics, one known customer `c1`.
public final class LookupDouble: Sendable {
    public struct State: Sendable {
        public var assigned = true
        public var statuses = [LookupDouble.openShard]
        public var unavailable: Set<String> = []
        public var asked: [(key: String, asOf: Int64, maxStaleness: Microseconds?)] = []
        public var statusReads = 0
    }

    public let state = Mutex(State())
    public let maxKeys: Int

    /// What the service says of each of its features; empty: nothing.
    public let served: [ServedFeature?]

    public init(maxKeys: Int = 3, served: [ServedFeature?] = []) {
        self.maxKeys = maxKeys
        self.served = served
    }

    public static let now: Int64 = 1_767_225_600_000_000  // 2026-01-01T00:00:00Z
    public static let features = ["clicks_5m", "spend_1h", "last_category", "views_by_category"]
    public static let types: [ValueType] = [.int, .decimal(scale: 6), .string, .map(.int)]
    public static let openShard = ShardStatus(
        shard: 0, state: .open,
        positions: [
            .init(topic: "clicks", partition: 0, offset: 12, end: 14), .init(topic: "purchases", partition: 0, offset: 3, end: nil),
        ], lagEvents: 2, freshness: 12_500, rows: 7, mapBytes: 65_536, usedBytes: 4_096)

    public static let known = [
        FeatureValue(value: .int(5), status: .present, newestEventTime: now - 1_000_000),
        FeatureValue(value: .decimal(units: 12_340_000, scale: 6), status: .present, newestEventTime: now - 2_000_001),
        FeatureValue(value: .string("sho\"es"), status: .stale, newestEventTime: now),
        FeatureValue(value: .map([.init(key: "a", value: .int(1)), .init(key: "b", value: .int(2))]), status: .present, newestEventTime: nil),
    ]
    public static let unknown = [
        FeatureValue(value: .int(0), status: .defaulted, newestEventTime: nil),
        FeatureValue(value: .null, status: .missing, newestEventTime: nil),
        FeatureValue(value: .null, status: .missing, newestEventTime: nil),
        FeatureValue(value: .null, status: .missing, newestEventTime: nil),
    ]

    public var service: LookupService { LookupService(source: source) }

    public var source: LookupSource {
        var definitions = Definitions(
            name: "test", entities: [.init(name: "customer")], streams: [], views: [],
            services: [
                .init(name: "homepage", version: 2, entity: "customer", features: Self.features, description: "The home page's model.")
            ])
        definitions.server.maxKeysPerRequest = maxKeys
        definitions.server.readyLagEvents = 10
        // Tests hold lookups up on event loops that others share.
        definitions.server.maxWait = .seconds(60)
        return LookupSource(
            definitions: definitions,
            planService: { [served] (name) throws(LookupError) in
                guard name == "homepage" else { throw .unknownService(name, known: ["homepage"]) }
                return Self.plan(service: name, Self.features, served)
            },
            planFeatures: { (names) throws(LookupError) in
                for name in names where !Self.features.contains(name) { throw .unknownFeature(name, nearest: "clicks_5m") }
                return Self.plan(service: nil, names)
            },
            lookup: { [self] (plan, key, asOf, maxStaleness, vector) throws(LookupError) in
                let key = String(decoding: key, as: UTF8.self)
                let refused = state.withLock {
                    $0.asked.append((key, asOf, maxStaleness))
                    return $0.unavailable.contains(key)
                }
                if refused { throw .shardUnavailable(shard: 1, reason: "not assigned to this process") }
                let values = key == "c1" ? Self.known : Self.unknown
                vector = Vector(
                    found: key == "c1",
                    values: plan.featureNames.map { values[Self.features.firstIndex(of: $0) ?? 0] }, shards: [0])
            },
            explain: { (query) throws(LookupError) in throw .unknownFeature(query.feature, nearest: "clicks_5m") },
            shardStatuses: { [self] in
                state.withLock {
                    $0.statusReads += 1
                    return $0.statuses
                }
            },
            isAssigned: { [self] in state.withLock { $0.assigned } },
            now: { Self.now })
    }

    private static let empty = Definitions(name: "empty", entities: [.init(name: "customer")], streams: [], views: [])

    private static func plan(service: String?, _ names: [String], _ served: [ServedFeature?] = []) -> VectorPlan {
        VectorPlan(
            service: service, version: service.map { _ in 2 }, entity: "customer", featureNames: names,
            types: names.map { types[features.firstIndex(of: $0) ?? 0] }, maxStaleness: service.map { _ in .seconds(5) },
            read: ReadPlan(features: [], catalog: Catalog(empty), entity: 0), served: served)
    }
}

extension [UInt8] {
    public var text: String { String(decoding: self, as: UTF8.self) }
}
