/// A finished feature value, or a default.
public enum Value: Sendable, Equatable {
    case null
    case bool(Bool)
    case int(Int64)
    /// `units · 10^-scale`, exact.
    case decimal(units: Int128, scale: Int)
    case double(Double)
    case string(String)
    case list([Value])
    /// Ordered by key, bytewise.
    case map([MapEntry])

    public struct MapEntry: Sendable, Equatable {
        public var key: String
        public var value: Value
        public init(key: String, value: Value) {
            self.key = key
            self.value = value
        }
    }

    public var isNull: Bool { if case .null = self { true } else { false } }
}

/// The type of a feature, known when the definitions load.
public enum ValueType: Sendable, Equatable {
    case bool, int, double, string
    case decimal(scale: Int)
    indirect case list(ValueType)
    indirect case map(ValueType)
    /// A list of maps with the keys `count` (an int), `share` (a double) and `value` (a string).
    case ranking
}

extension ValueType: CustomStringConvertible {
    public var description: String {
        switch self {
        case .bool: "bool"
        case .int: "int64"
        case .double: "double"
        case .string: "string"
        case .decimal(let scale): "decimal(\(scale))"
        case .list(let element): "list<\(element)>"
        case .map(let element): "map<string, \(element)>"
        case .ranking: "list<{count: int64, share: double, value: string}>"
        }
    }
}

/// Says how a value came about; every value carries one.
public enum FeatureStatus: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    /// Computed of this entity's events.
    case present = 1
    /// No value: unknown entity, no event in the window, or a time before the kept history.
    case missing = 2
    /// A value, but older than the `ttl`, or the shard is further behind than `max_staleness`.
    case stale = 3
    /// No value; the declared default is given.
    case defaulted = 4
    /// The feature was added when the store already had events, and its window still reaches back to before that.
    case warming = 5
    /// The entity itself has no value; this is another one's, of a level that the service falls back to.
    case fallback = 6
    /// Not read before the service's deadline; the default is given, if there is one.
    case overdue = 7

    public var description: String {
        switch self {
        case .present: "present"
        case .missing: "missing"
        case .stale: "stale"
        case .defaulted: "defaulted"
        case .warming: "warming"
        case .fallback: "fallback"
        case .overdue: "overdue"
        }
    }
}

public struct FeatureValue: Sendable, Equatable {
    public var value: Value
    public var status: FeatureStatus
    /// The newest event of the feature's view in this row, µs since the epoch; nil when it has none.
    public var newestEventTime: Int64?
    /// The value, or one that it is computed from, is not known, because the time asked for lies before what the row keeps.
    package var isForgotten: Bool

    public init(value: Value, status: FeatureStatus, newestEventTime: Int64?) {
        self.init(value: value, status: status, newestEventTime: newestEventTime, isForgotten: false)
    }

    package init(value: Value, status: FeatureStatus, newestEventTime: Int64?, isForgotten: Bool) {
        self.value = value
        self.status = status
        self.newestEventTime = newestEventTime
        self.isForgotten = isForgotten
    }
}
