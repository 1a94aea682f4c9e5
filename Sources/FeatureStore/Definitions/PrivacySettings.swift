/// `privacy:` of the definitions.
public struct PrivacySettings: Sendable {
    /// Nil: nobody can be erased.
    public var erasures: ErasureSettings?
    /// What pseudonyms are made with; nil: a public constant.
    public var key: PseudonymKey?
    public init() {}

    /// The key of an entity's pseudonyms.
    package func key(ofEntity name: String) -> PseudonymKey { (key ?? .open).ofEntity(name) }
}

/// Who is to be erased comes through a topic, as events do.
public struct ErasureSettings: Sendable, Equatable {
    public var topic: String
    /// Whose rows can be erased.
    public var entities: [String] = []
    /// After an erasure was applied, its bytes are gone from the files within this time.
    public var purgeWithin: Microseconds = .hours(24)
    /// Whether a shard may be served before it is known that no erasure is missing in it.
    public var servesUnconfirmed = false
    public init(topic: String) { self.topic = topic }

    /// The name of the stream of erasures.
    public static let streamName = "erasures"

    /// The topic as a stream: `{"entity": "customer", "key": "c1", "receipt": "..."}`.
    var stream: StreamDefinition {
        var stream = StreamDefinition(
            name: Self.streamName, topic: topic, keys: [EntityKey(entity: "key", path: FieldPath("key"))],
            time: EventTime(path: nil, format: .kafka), partitioned: false,
            fields: [FieldDefinition(name: "entity", type: .string, maxBytes: 100), FieldDefinition(name: "receipt", type: .string, maxBytes: 64)])
        stream.isErasures = true
        return stream
    }
}

extension Definitions {
    /// Index in `streams` of the one that says who is to be erased.
    public var erasureStream: Int? { streams.firstIndex { $0.isErasures } }

    /// The definitions with the stream that their `privacy.erasures` makes.
    public func withErasureStream() -> Definitions {
        guard let erasures = privacy.erasures, erasureStream == nil else { return self }
        var definitions = self
        definitions.streams.append(erasures.stream)
        return definitions
    }
}
