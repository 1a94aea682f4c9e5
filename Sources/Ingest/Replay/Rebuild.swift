public import FeatureStore
internal import Kafka

/// `millrace rebuild`: the next generation of every shard, from the beginning of the topics.
public final class Rebuild {
    public struct Outcome: Sendable {
        /// False: interrupted; the next run goes on from here.
        public var isComplete: Bool
        public var shards: Int
        /// By stream, over all shards.
        public var counts: [StreamCounts]
    }

    /// What an interrupted build is resumed from.
    public static let source = "kafka"

    private let definitions: Definitions
    private let replay: Replay
    private let notify: @Sendable (IngestNotice) -> Void

    /// Connects; nothing is written yet.
    public init(
        definitions: Definitions, descriptorSets: [[UInt8]?], notify: @escaping @Sendable (IngestNotice) -> Void
    ) throws {
        self.definitions = definitions
        self.notify = notify
        replay = try Replay(definitions: definitions, descriptorSets: descriptorSets, notify: notify)
    }

    /// Builds up to where the topics end now, or goes on with an interrupted build, and completes all shards at the end.
    ///
    /// - Parameter allowsGaps: build also where first records are gone; windows that reach back to before what is left are `warming`.
    public func run(
        allowsGaps: Bool, isInterrupted: () -> Bool = { false }, progress: (Replay.Progress) -> Void = { _ in }
    ) throws -> Outcome {
        let numbers = Array(0..<replay.shardCount)
        let gaps = try replay.gaps(shards: numbers)
        if !gaps.isEmpty, !allowsGaps { throw IngestError.beginningGone(gaps.map { ($0.partition, $0.oldest) }) }
        let beginnings = try replay.times(ofOldest: gaps)
        let build = GenerationBuild(definitions, source: Self.source, partitionCounts: replay.partitionCounts)
        defer { build.close() }
        let shards = try numbers.map { number in
            var ofShard: [String: Int64] = [:]
            for (partition, time) in beginnings where partition.partition == number { ofShard[partition.topic] = time }
            return try build.open(number, beginnings: ofShard) { notify(.warning($0)) }
        }
        let isComplete = try replay.run(
            shards.filter { !build.isComplete($0.number) }, until: .now, isInterrupted: isInterrupted, progress: progress)
        var counts = definitions.streams.map { _ in StreamCounts() }
        for shard in shards { for (stream, of) in shard.counts.enumerated() { counts[stream] += of } }
        if isComplete { for number in numbers { try build.complete(number) } }
        return Outcome(isComplete: isComplete, shards: numbers.count, counts: counts)
    }
}

extension StreamCounts {
    static func += (sum: inout StreamCounts, part: StreamCounts) {
        sum.applied += part.applied
        for reason in sum.dropped.indices { sum.dropped[reason] += part.dropped[reason] }
    }
}
