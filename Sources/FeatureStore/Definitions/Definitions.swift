/// Everything that one definitions file says, checked: what streams exist, what features are kept of them, and which vectors
/// are served. Plain values; `Definitions.load` is the one place that makes them from YAML.
///
/// References between parts (a view's stream, a service's features) are by name here and resolved to indexes in `Catalog`.
public struct Definitions: Sendable {
    public var name: String
    public var entities: [EntityDefinition]
    public var streams: [StreamDefinition]
    public var views: [ViewDefinition]
    public var derived: [DerivedDefinition]
    /// Each with a stream and a view of its name, which are among the others.
    public var pushed: [PushedDefinition]
    /// What requests bring with them.
    public var inputs: [InputDefinition] = []
    public var services: [ServiceDefinition]
    public var store: StoreSettings
    public var kafka: KafkaSettings
    public var server: ServerSettings
    public var privacy = PrivacySettings()
    /// Nil: nothing is said, and whoever reaches the server may do everything.
    public var access: AccessSettings?
    /// Nil: nothing is written down.
    public var audit: AuditSettings?
    /// Why a server must not be started with them, though they are right in themselves.
    public var exposure: [DefinitionFault] = []
    /// Nil: `serve` takes none by itself.
    public var snapshots: SnapshotSettings?
    /// Nil: the values of features are not watched.
    public var monitoring: MonitoringSettings?
    public var logs = LogSettings()

    public init(
        name: String, entities: [EntityDefinition], streams: [StreamDefinition], views: [ViewDefinition],
        derived: [DerivedDefinition] = [], pushed: [PushedDefinition] = [], services: [ServiceDefinition] = [],
        store: StoreSettings = .init(), kafka: KafkaSettings = .init(), server: ServerSettings = .init()
    ) {
        self.name = name
        self.entities = entities
        self.streams = streams
        self.views = views
        self.derived = derived
        self.pushed = pushed
        self.services = services
        self.store = store
        self.kafka = kafka
        self.server = server
    }
}

/// What features describe: a customer, a product.
public struct EntityDefinition: Sendable, Equatable {
    public var name: String
    public var description: String
    /// There is only one of it, and every event of every stream describes it: the shop as a whole. Its key is its name.
    public var isSingleton = false
    /// How long values may be kept that were merged over shards; nil: not at all.
    public var cache: CacheSettings?
    /// Its ids are not kept: rows are found by a keyed hash of them.
    public var isPseudonymous = false

    public init(name: String, description: String = "", isSingleton: Bool = false, cache: CacheSettings? = nil) {
        self.name = name
        self.description = description
        self.isSingleton = isSingleton
        self.cache = cache
    }
}

/// Bounds on the values of an entity that are kept between requests.
public struct CacheSettings: Sendable, Equatable {
    /// Nothing older is ever served.
    public var maxAge: Microseconds
    public var maxEntries = 10_000

    public init(maxAge: Microseconds, maxEntries: Int = 10_000) {
        self.maxAge = maxAge
        self.maxEntries = maxEntries
    }
}

/// A span of time in microseconds, the unit of every time in Millrace.
public typealias Microseconds = Int64

extension Microseconds {
    public static func seconds(_ n: Int64) -> Int64 { n * 1_000_000 }
    public static func minutes(_ n: Int64) -> Int64 { n * 60_000_000 }
    public static func hours(_ n: Int64) -> Int64 { n * 3_600_000_000 }
    public static func days(_ n: Int64) -> Int64 { n * 86_400_000_000 }
}
