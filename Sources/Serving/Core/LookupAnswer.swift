public import FeatureStore

/// The vectors of one request, with what a reader needs to judge them: the time they hold for, how fresh they are, and the source
/// positions they include.
public struct LookupAnswer: Sendable {
    public struct Entry: Sendable {
        public var key: String
        public var vector: Vector
    }

    let contract: VectorContract
    /// Service, entity, names and types, in the order of every vector.
    public var plan: VectorPlan { contract.plan }
    /// Whether values may be kept ones, so that each vector says how old it is.
    public var statesAge: Bool { contract.statesAge }
    /// µs since the epoch.
    public let asOf: Int64
    /// How old the newest state is in the furthest-behind shard that was read; µs, 0 when caught up. Nil while a shard that was read has
    /// not applied its first record although its topics may hold some.
    public let freshness: Microseconds?
    /// In the order of the request's keys.
    public let entries: [Entry]
    /// Of the shards that were read. Everything before `offset` is in the values; they may hold a few later events too, because
    /// positions are read before the values.
    public let positions: [ShardStatus.SourcePosition]
}

/// The answer to a lookup of one entity by a service.
public enum EntityAnswer: Sendable {
    /// The values are in the vector that was given for them.
    case plain(PlainAnswer)
    /// Of a service that falls back, keeps values or has a deadline, or read of several shards.
    case full(LookupAnswer)
}

/// All of an answer but its entity, whose values are of one shard.
public struct PlainAnswer: Sendable {
    let contract: VectorContract
    public let asOf: Int64
    public let freshness: Microseconds?
    let shard: ShardView.SeenShard

    public var plan: VectorPlan { contract.plan }
    public var positions: [ShardStatus.SourcePosition] { shard.status.positions }
    /// The same, written.
    var jsonPositions: [UInt8] { shard.jsonPositions }

    func full(_ key: UnsafeRawBufferPointer, _ vector: Vector) -> LookupAnswer {
        LookupAnswer(
            contract: contract, asOf: asOf, freshness: freshness, entries: [.init(key: String(decoding: key, as: UTF8.self), vector: vector)],
            positions: positions)
    }
}
