/// How one value of one entity came about: the window to the microsecond, what was read, what it gave, and what was dropped.
///
/// Made by `Store.explain` from the same rows by the same code as a lookup; plain values, for people and programs to read.
public struct Explanation: Sendable {
    /// What is asked: the lookup of one feature, with names.
    public struct Query: Sendable, Equatable {
        public var feature: String
        public var key: String
        /// Nil: the first entity that has such a feature.
        public var entity: String?
        /// Explains the value as this service gives it; nil: as the feature named alone.
        public var service: String?
        /// µs since the epoch; nil: now.
        public var asOf: Int64?
        public var maxStaleness: Microseconds?

        public init(
            feature: String, key: String, entity: String? = nil, service: String? = nil, asOf: Int64? = nil,
            maxStaleness: Microseconds? = nil
        ) {
            self.feature = feature
            self.key = key
            self.entity = entity
            self.service = service
            self.asOf = asOf
            self.maxStaleness = maxStaleness
        }
    }

    public var entity: String
    public var key: String
    public var service: String?
    public var version: Int?
    /// µs since the epoch.
    public var asOf: Int64
    /// The one asked for, then those that it is derived from, each once, users first.
    public var features: [Feature]
    /// Those that were read.
    public var shards: [ShardPart]

    /// Whether any shard has a row of the entity.
    public var found: Bool { shards.contains { $0.rowBytes != nil } }

    /// What a shard has of the entity, whatever the feature.
    public struct ShardPart: Sendable {
        /// Positions and freshness, as they were before the row was read.
        public var status: ShardStatus
        /// Nil: no row.
        public var rowBytes: Int?
        /// Of this row: per stream that describes the entity.
        public var drops: [StreamDrops]
    }

    public struct StreamDrops: Sendable, Equatable {
        public var stream: String
        public var duplicate: UInt32
        public var late: UInt32
        public var future: UInt32

        package init(stream: String, duplicate: UInt32, late: UInt32, future: UInt32) {
            self.stream = stream
            self.duplicate = duplicate
            self.late = late
            self.future = future
        }
    }

    public struct Feature: Sendable {
        public var name: String
        public var type: ValueType
        /// What a lookup answers.
        public var value: FeatureValue
        /// Why the status is what it is, in a sentence or two.
        public var reason: String
        public var defaultValue: Value?
        public var ttl: Microseconds?
        public var origin: Origin
    }

    public enum Origin: Sendable {
        case view(ViewOrigin)
        /// The expression, and the features it reads; each is one of `features`.
        case derived(expression: String, inputs: [String])
        /// Given with the request.
        case input
    }

    public struct ViewOrigin: Sendable {
        public var view: String
        public var stream: String
        public var filter: String?
        /// As a call, such as `sum(price)`, and in words.
        public var aggregation: String
        public var aggregationInWords: String
        /// What the stored bytes depend on; others than these are not read.
        public var viewFingerprint: UInt64
        public var streamFingerprint: UInt64
        public var window: WindowBounds
        public var history: Microseconds
        /// One per shard that has a row, in the order of `Explanation.shards`.
        public var rows: [RowPart]
    }

    public struct WindowBounds: Sendable, Equatable {
        /// `24h`, `today, Europe/Berlin`, `lifetime`.
        public var name: String
        /// The oldest event time that belongs to it; nil: all belong.
        public var left: Int64?
        /// The newest; always the time asked for.
        public var right: Int64
        /// What the left edge is snapped down to; nil: nothing.
        public var hop: Microseconds?
        /// How much longer than its name says it may be, in words.
        public var bound: String
        /// How much longer it is this time; nil where the name does not say a length.
        public var excess: Microseconds?
    }

    /// One row's contribution.
    public struct RowPart: Sendable {
        public var shard: Int
        /// The stream's newest event in the row; nil: the row has none of this stream.
        public var newest: Int64?
        /// Events before this are late, besides those that `allowed_lateness` refuses: there were too many ids. Nil: no such bound.
        public var idFloor: Int64?
        public var rememberedIDs: Int
        /// From when on the shard has seen every event of the view; nil: from the beginning.
        public var since: Int64?
        /// What the lookup would answer of this row alone.
        public var value: FeatureValue
        /// Whether what is kept can tell the whole window.
        public var isComplete: Bool
        public var content: Content
    }

    public enum Content: Sendable {
        /// Newest first.
        case tiles(Tiles)
        /// The entries of a sequence, for aggregations that read the newest events.
        case entries([Entry])
        case events(Events)
    }

    public struct Tiles: Sendable {
        /// In the window.
        public var contributing: [Tile] = []
        /// The next ones behind the left edge, at most `leftOutShown`.
        public var leftOut: [Tile] = []
        /// Those not shown.
        public var olderCount = 0
        /// Tiles that begin after the time asked for.
        public var newerCount = 0
        public static let leftOutShown = 2
    }

    public struct Tile: Sendable, Equatable {
        /// Nil: the lifetime tile, of all that is older than `end`.
        public var start: Int64?
        /// The first moment after it; nil: there is none.
        public var end: Int64?
        /// The feature, finished from this tile alone.
        public var partial: Value
    }

    public struct Entry: Sendable, Equatable {
        public var time: Int64
        /// Null where only the time counts.
        public var value: Value
    }

    /// What a view that keeps events has of a window.
    public struct Events: Sendable {
        /// Newest first, of the window.
        public var events: [Event] = []
        /// Kept, but older than the window; and newer than the time asked for.
        public var olderCount = 0
        public var newerCount = 0
        /// The newest event that was left out for want of room; nil: none that could matter.
        public var cut: Int64?
        public var attribution: Attributed?
    }

    public struct Attributed: Sendable, Equatable {
        public var stream: String
        public var within: Microseconds
        public var newest: Int64?
        /// Events of that stream that the row keeps.
        public var keptCount: Int
        public var cut: Int64?
    }

    public struct Event: Sendable, Equatable {
        public enum Standing: String, Sendable {
            case counts
            case retracted
            /// No event of the other stream came before it in time.
            case unattributed
        }
        public var time: Int64
        public var id: UInt64
        public var standing: Standing
        /// What is kept of its fields, nulls left out.
        public var fields: [Field]
    }

    public struct Field: Sendable, Equatable {
        public var name: String
        public var value: Value
    }
}
