public import FeatureStore

/// One question: which features, of which entities, at what time.
public struct LookupRequest: Sendable, Equatable {
    public enum Selection: Sendable, Equatable {
        /// The features of a service, in its order.
        case service(String)
        /// Features named one by one; all of one entity.
        case features([String])
    }

    public var selection: Selection
    /// Entity keys, 1 to `definitions.server.maxKeysPerRequest` of them, each 1 to `LookupRequest.maxKeyBytes` bytes of UTF-8.
    /// Answered in this order; a key given twice is answered twice.
    public var keys: [String]
    /// µs since the epoch; nil: now, the same instant for all keys.
    public var asOf: Int64?
    /// Values of shards that are further behind are `stale`; µs. Nil: as the service says.
    public var maxStaleness: Microseconds?
    /// Records that must have been applied before: what a push answered. Whoever has some waits (`LookupService.wait`) before it looks up.
    public var minPosition: [SourceOffset]
    /// What the request brings with it, by the inputs' names; the same for all keys.
    public var inputs: [String: GivenInput] = [:]

    public init(
        _ selection: Selection, keys: [String], asOf: Int64? = nil, maxStaleness: Microseconds? = nil, minPosition: [SourceOffset] = []
    ) {
        self.selection = selection
        self.keys = keys
        self.asOf = asOf
        self.maxStaleness = maxStaleness
        self.minPosition = minPosition
    }

    /// LMDB's limit on keys is 511 bytes; the store needs some of them.
    public static let maxKeyBytes = 480
    /// 1970-01-01 to 9999-12-31: what RFC 3339 can write, with room for every window's arithmetic.
    public static let asOfRange: ClosedRange<Int64> = 0...253_402_300_799_999_999
    /// More features than this in one request are a mistake.
    public static let maxFeatures = 1_000
}
