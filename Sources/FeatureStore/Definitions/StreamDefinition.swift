/// A Kafka topic with an event schema: which fields are the entity keys, the event time and the event id.
public struct StreamDefinition: Sendable {
    public var name: String
    public var topic: String
    /// Where malformed and unknown events go; nil: they are counted only.
    public var deadLetterTopic: String?
    public var format: EventFormat
    /// One entry per entity that events of this stream describe. The first is the key the topic is partitioned by.
    public var keys: [EntityKey]
    public var time: EventTime
    /// Path of the event id, when the stream has one: then events are deduplicated exactly.
    public var idPath: FieldPath?
    /// How far behind the row's newest event of this stream an event with an id may be.
    public var allowedLateness: Microseconds
    /// How far the event time may be ahead of the broker's timestamp.
    public var maxClockSkew: Microseconds
    /// Bound on the event ids kept in one row.
    public var maxIDsPerRow: Int
    public var partitioner: Partitioner
    /// False when the topic is not partitioned by the first key: lookups then merge the rows of all shards.
    public var partitioned: Bool
    /// The fields that filters and aggregations name. Only these, the keys, the time and the id are read out of the bytes.
    public var fields: [FieldDefinition]
    /// Which events of another stream, or of this one, this stream's events cancel.
    public var retracts: RetractionDefinition?
    /// Its events say who is to be erased (`ErasureSettings`); no view reads them.
    public internal(set) var isErasures = false
    public var classification = Classification()
    /// Events that are expected in a minute; watched, not enforced.
    public var volume: VolumeExpectation?

    public init(
        name: String, topic: String, deadLetterTopic: String? = nil, format: EventFormat = .json, keys: [EntityKey],
        time: EventTime, idPath: FieldPath? = nil, allowedLateness: Microseconds = .days(2),
        maxClockSkew: Microseconds = .minutes(5), maxIDsPerRow: Int = 4096, partitioner: Partitioner = .murmur2,
        partitioned: Bool = true, fields: [FieldDefinition], retracts: RetractionDefinition? = nil
    ) {
        self.name = name
        self.topic = topic
        self.deadLetterTopic = deadLetterTopic
        self.format = format
        self.keys = keys
        self.time = time
        self.idPath = idPath
        self.allowedLateness = allowedLateness
        self.maxClockSkew = maxClockSkew
        self.maxIDsPerRow = maxIDsPerRow
        self.partitioner = partitioner
        self.partitioned = partitioned
        self.fields = fields
        self.retracts = retracts
    }
}

/// An event cancels the event of `stream` whose id is the value of `field`.
public struct RetractionDefinition: Sendable, Equatable {
    public var stream: String
    /// A string or int64 field of the retracting stream; null retracts nothing.
    public var field: String
    /// A boolean expression over the fields of the retracting stream: only where it is true. Nil: always.
    public var filter: String?
    public init(stream: String, field: String, filter: String? = nil) {
        self.stream = stream
        self.field = field
        self.filter = filter
    }
}

/// Names from the event's root to a field, as in `product.category`.
public struct FieldPath: Sendable, Hashable, CustomStringConvertible {
    public var parts: [String]
    public init(_ parts: [String]) { self.parts = parts }
    public init(_ dotted: String) { parts = dotted.split(separator: ".", omittingEmptySubsequences: false).map(String.init) }
    public var description: String { parts.joined(separator: ".") }
}

public struct EntityKey: Sendable, Equatable {
    public var entity: String
    public var path: FieldPath
    public init(entity: String, path: FieldPath) {
        self.entity = entity
        self.path = path
    }
}

public enum EventFormat: Sendable, Equatable {
    case json
    case protobuf(ProtobufFormat)
}

public struct ProtobufFormat: Sendable, Equatable {
    /// A file made by `protoc --include_imports --descriptor_set_out`; relative to the definitions file.
    public var descriptorSet: String
    /// The full name of the message, such as `millrace.events.v1.Click`.
    public var message: String
    public var framing: Framing
    public enum Framing: String, Sendable, CaseIterable {
        /// The value is the message.
        case plain
        /// Confluent wire format: a zero byte, a 4-byte schema id, the message indexes, then the message.
        case confluent
    }
    public init(descriptorSet: String, message: String, framing: Framing = .plain) {
        self.descriptorSet = descriptorSet
        self.message = message
        self.framing = framing
    }
}

public struct EventTime: Sendable, Equatable {
    /// Nil only with the format `kafka`.
    public var path: FieldPath?
    public var format: Format
    public enum Format: String, Sendable, CaseIterable {
        case epochSeconds = "epoch_s"
        case epochMilliseconds = "epoch_ms"
        case epochMicroseconds = "epoch_us"
        case rfc3339
        /// google.protobuf.Timestamp; only in Protobuf streams.
        case protobufTimestamp = "protobuf_timestamp"
        /// The record's own timestamp.
        case kafka
    }
    public init(path: FieldPath?, format: Format) {
        self.path = path
        self.format = format
    }
}

/// How producers choose the partition of a key.
public enum Partitioner: String, Sendable, CaseIterable {
    /// Java clients' default: `(murmur2(key) & 0x7fffffff) % partitions`.
    case murmur2
    /// librdkafka's default for keyed records: `crc32(key) % partitions`.
    case consistent
    /// Sarama's default: FNV-1a 32 bit, absolute value of the signed remainder.
    case fnv1a
}

/// One field of an event, by the name that filters and aggregations use.
public struct FieldDefinition: Sendable, Equatable {
    public var name: String
    public var path: FieldPath
    public var type: FieldType
    /// Of a string, at most; a longer one is malformed.
    public var maxBytes: Int
    /// Watched, not enforced.
    public var expectation: FieldExpectation?
    public init(name: String, path: FieldPath? = nil, type: FieldType, maxBytes: Int = Self.usualMaxBytes) {
        self.name = name
        self.path = path ?? FieldPath(name)
        self.type = type
        self.maxBytes = maxBytes
    }

    public static let usualMaxBytes = 1024
}

public enum FieldType: Sendable, Equatable, Hashable {
    case string
    case bool
    case int64
    /// A fixed-point number: an Int64 that counts units of `10^-scale`. `scale` is 0...9.
    case decimal(scale: Int)
    /// Numbers of a fixed count, each fixed-point as in a decimal: an embedding.
    case vector(dimension: Int, scale: Int)
    /// A double, to the bit. Only pushed features have it: a sum of doubles would depend on their order.
    case double
    /// Doubles of a fixed count; only of pushed features.
    case doubles(dimension: Int)

    /// Of a vector.
    package var dimension: Int? {
        switch self {
        case .vector(let dimension, _), .doubles(let dimension): dimension
        case .string, .bool, .int64, .decimal, .double: nil
        }
    }

    /// Digits after the point of a decimal; of others 0.
    package var decimals: Int { if case .decimal(let scale) = self { scale } else { 0 } }

    /// As fingerprints have it; part of the store format.
    var text: String {
        switch self {
        case .string: "string"
        case .bool: "bool"
        case .int64: "int64"
        case .decimal(let scale): "decimal(\(scale))"
        case .vector(let dimension, let scale): "vector(\(dimension), \(scale))"
        case .double: "double"
        case .doubles(let dimension): "doubles(\(dimension))"
        }
    }
}
