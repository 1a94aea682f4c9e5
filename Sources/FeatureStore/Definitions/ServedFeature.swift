/// What a service says of one of its features beyond the name: what to serve when there is no value, between which bounds, and as
/// which columns a model reads it. Two services may say different things of one feature.
public struct ServedFeature: Sendable, Equatable {
    /// In place of the feature's own default.
    public var defaultValue: Value?
    public var clip: ValueClip?
    /// Nil: numbers and vectors are columns as they are, everything else has none.
    public var encoding: FeatureEncoding?
    /// By the name of a level of the service: the feature of that level's entity that takes its place when there is no value.
    public var fallback: [String: String]

    public init(
        defaultValue: Value? = nil, clip: ValueClip? = nil, encoding: FeatureEncoding? = nil, fallback: [String: String] = [:]
    ) {
        self.fallback = fallback
        self.defaultValue = defaultValue
        self.clip = clip
        self.encoding = encoding
    }
}

/// The bounds of a number, each of the feature's type; nil leaves a side open.
public struct ValueClip: Sendable, Equatable {
    public var low: Value?
    public var high: Value?

    public init(low: Value?, high: Value?) {
        self.low = low
        self.high = high
    }

    /// The value, or the bound that it is beyond. Null stays null.
    func clipped(_ value: Value) -> Value {
        if let low, let order = Value.order(value, low), order < 0 { return low }
        if let high, let order = Value.order(value, high), order > 0 { return high }
        return value
    }
}

/// How a feature that is no number becomes columns of a fixed number.
public enum FeatureEncoding: Sendable, Equatable {
    /// A column per word: 1 where the value is that word (or, of a list, has it), else 0. `other`: one more column for all other words.
    case oneHot([String], other: Bool)
    /// A column per key of a map (or per value of a ranking) with what the map has there, 0 where it has none. `other` adds up the rest.
    case vocabulary([String], other: Bool, isSparse: Bool)
    /// Column `xxHash64(word) mod dimension`, sparse; words that meet are added up.
    case hashed(dimension: Int)

    public static let maxWords = 10_000
    public static let maxDimension = 1 << 20
    /// The name of the column of all other words, as of the last entry of a map that was cut.
    public static let otherWord = "__other__"

    public var isSparse: Bool {
        switch self {
        case .oneHot: false
        case .vocabulary(_, _, let isSparse): isSparse
        case .hashed: true
        }
    }

    public var dimension: Int {
        switch self {
        case .oneHot(let words, let other), .vocabulary(let words, let other, _): words.count + (other ? 1 : 0)
        case .hashed(let dimension): dimension
        }
    }

    /// Whether values of this type can be read so.
    public func takes(_ type: ValueType) -> Bool {
        switch (self, type) {
        case (.oneHot, .string), (.oneHot, .int), (.oneHot, .list(.string)), (.oneHot, .list(.int)): true
        case (.vocabulary, .map), (.vocabulary, .ranking): true
        case (.hashed, .string), (.hashed, .int), (.hashed, .list(.string)), (.hashed, .list(.int)), (.hashed, .map), (.hashed, .ranking): true
        default: false
        }
    }
}
