/// What the shards of this process say of one receipt. An erasure goes to every shard, so each of them has a part of it.
public struct ErasureReceipt: Sendable, Equatable {
    /// One erased entity in one shard.
    public struct Part: Sendable, Equatable {
        public var entity: String
        public var pseudonym: Pseudonym
        /// Of the record that erased it, µs.
        public var time: Int64
        /// Whether its bytes are gone from the file, too.
        public var isPurged: Bool
    }

    public struct OfShard: Sendable, Equatable {
        public var shard: Int
        /// How many entities of the receipt are erased there.
        public var erased: Int
        public var isPurged: Bool
    }

    public enum Outcome: String, Sendable {
        /// Not all shards have applied it, or not all are here.
        case pending
        /// Applied in every shard; bytes wait to be purged.
        case erased
        /// And the bytes are gone.
        case purged
    }

    public var receipt: String
    public var entity: String
    /// Of the earliest record, µs.
    public var time: Int64
    public var pseudonyms: [Pseudonym]
    public var shards: [OfShard]
    /// Shards that there are and that do not have all of it, or are not in this process.
    public var missing: [Int]

    public init(receipt: String, entity: String, time: Int64, pseudonyms: [Pseudonym], shards: [OfShard], missing: [Int]) {
        self.receipt = receipt
        self.entity = entity
        self.time = time
        self.pseudonyms = pseudonyms
        self.shards = shards
        self.missing = missing
    }

    public var outcome: Outcome {
        if !missing.isEmpty { return .pending }
        return shards.allSatisfy(\.isPurged) ? .purged : .erased
    }

    /// 32 hexadecimal digits, at random.
    public static func newID() -> String {
        var generator = SystemRandomNumberGenerator()
        return hexadecimal(generator.next()) + hexadecimal(generator.next())
    }
}
