/// The features that one request asks for, resolved once: which entity, which values in which order.
/// Made by `Store.plan(service:)` and `Store.plan(features:)`; kept and shared by any number of lookups.
public final class VectorPlan: Sendable {
    /// Name and version of the service; nil when features were named one by one.
    public let service: String?
    public let version: Int?
    public let entity: String
    public let featureNames: [String]
    public let types: [ValueType]
    public let maxStaleness: Microseconds?
    /// What the vector is for a model.
    public let columns: VectorColumns
    /// Where values come from that the entity does not have; nil: from nowhere.
    public let fallback: FallbackPlan?
    public let deadline: Microseconds?
    /// How long values may be kept that are merged over shards; nil: they are read each time.
    public let cache: CacheSettings?
    package let read: ReadPlan
    /// Those of the definitions, and what one request gives for them; empty: nothing.
    let inputDefinitions: [InputDefinition]
    package let inputValues: [Value]

    /// `served`: what the service says of each feature; empty: nothing of any. `dimension`: of vectors, by index, how many elements they have.
    package init(
        service: String?, version: Int?, entity: String, featureNames: [String], types: [ValueType],
        maxStaleness: Microseconds?, read: ReadPlan, served: [ServedFeature?] = [], dimension: (Int) -> Int? = { _ in nil },
        inputs: [InputDefinition] = [], fallback: FallbackPlan? = nil, deadline: Microseconds? = nil, cache: CacheSettings? = nil
    ) {
        self.fallback = fallback
        self.deadline = deadline
        self.cache = cache
        inputDefinitions = inputs
        inputValues = []
        columns = VectorColumns(names: featureNames, types: types, served: served, dimension: dimension)
        self.service = service
        self.version = version
        self.entity = entity
        self.featureNames = featureNames
        self.types = types
        self.maxStaleness = maxStaleness
        self.read = read
    }

    init(_ plan: VectorPlan, inputValues: [Value]) {
        service = plan.service
        version = plan.version
        entity = plan.entity
        featureNames = plan.featureNames
        types = plan.types
        maxStaleness = plan.maxStaleness
        columns = plan.columns
        fallback = plan.fallback
        deadline = plan.deadline
        cache = plan.cache
        read = plan.read
        inputDefinitions = plan.inputDefinitions
        self.inputValues = inputValues
    }
}

/// One entity's values, in the order of the plan.
public struct Vector: Sendable, Equatable {
    /// False when no shard has a row of this entity.
    public var found: Bool
    public var values: [FeatureValue]
    /// The shards it was read from: one, or all of them for entities that the topics are not partitioned by.
    public var shards: [Int]
    /// Only where the service has levels: per value 0 for the entity's own, n for that of the n-th level, `noLevel` for a default or none.
    public var levels: [UInt8] = []
    /// How old the values are; 0 unless they were kept.
    public var age: Microseconds = 0
    public static let noLevel: UInt8 = 255
    /// Of nothing yet.
    public init() { self.init(found: false, values: [], shards: []) }

    public init(found: Bool, values: [FeatureValue], shards: [Int]) {
        self.found = found
        self.values = values
        self.shards = shards
    }
}

/// Why a lookup cannot be answered; each says what to do.
public enum LookupError: Error, Equatable {
    case unknownService(String, known: [String])
    case unknownFeature(String, nearest: String?)
    case unknownEntity(String, known: [String])
    /// There may be such a feature, but it is not one of the service's.
    case notInService(String, service: String, nearest: String?)
    /// The service (nil: the features named) uses no such input.
    case unknownInput(String, service: String?, known: [String])
    /// An input that is not of its type.
    case badInput(String, ValueType)
    /// Features of different entities in one request.
    case mixedEntities([String])
    /// The shard of this key is not served by this process (not assigned yet, or stopped); `reason` says which.
    case shardUnavailable(shard: Int, reason: String)
    case emptyKey
    /// A singleton has one key, its name.
    case notTheSingleton(String)
    /// `as_of` is outside of 1970-01-02 ... 2106-02-07.
    case timeOutOfRange(Int64)
    case keyTooLong(bytes: Int, limit: Int)
    /// LMDB refused.
    case storage(String)
}

/// Where one shard stands.
public struct ShardStatus: Sendable {
    public enum State: String, Sendable {
        case open
        /// No broker can be reached: the rows are served as they are, and grow older.
        case disconnected
        /// Stopped by an error that needs a person; `reason` says which. Its rows are still served.
        case stopped
    }
    public struct SourcePosition: Sendable, Equatable {
        public var topic: String
        public var partition: Int
        /// The next offset to read.
        public var offset: Int64
        /// End of the log when last heard of; nil before the first fetch.
        public var end: Int64?

        package init(topic: String, partition: Int, offset: Int64, end: Int64?) {
            self.topic = topic
            self.partition = partition
            self.offset = offset
            self.end = end
        }
    }
    public var shard: Int
    public var state: State
    public var reason: String?
    public var positions: [SourcePosition]
    /// Events that the topics hold and the shard has not applied; nil before the first fetch.
    public var lagEvents: Int64?
    /// How old the newest state is: 0 when caught up, else the age of the newest applied record; µs. Nil before the first record.
    public var freshness: Microseconds?
    public var rows: Int
    public var mapBytes: Int
    public var usedBytes: Int
    /// Since it was opened.
    public var commits = CommitStatistics()
    /// A rebuilt generation reads on beside it and takes its place when it has caught up.
    public var isNextCatchingUp = false

    package init(
        shard: Int, state: State, reason: String? = nil, positions: [SourcePosition], lagEvents: Int64?,
        freshness: Microseconds?, rows: Int, mapBytes: Int, usedBytes: Int
    ) {
        self.shard = shard
        self.state = state
        self.reason = reason
        self.positions = positions
        self.lagEvents = lagEvents
        self.freshness = freshness
        self.rows = rows
        self.mapBytes = mapBytes
        self.usedBytes = usedBytes
    }
}
