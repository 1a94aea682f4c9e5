public import FeatureStore
internal import Foundation
public import Kafka

/// `millrace verify`: builds the shards anew up to exactly where the live ones are, and compares: from the topics, or from logs as a backfill
/// did and then from the topics what the live shards have read since.
///
/// The live shards are copied first, each in one read transaction, so that a server may go on writing; what is compared are the copies.
public final class Verification {
    public struct Count: Sendable {
        public var stream: String
        /// `applied`, or the reason of a drop.
        public var what: String
        public var live: UInt64
        public var rebuilt: UInt64
    }

    public struct ShardResult: Sendable {
        public var shard: Int
        /// Where both stand.
        public var positions: [(partition: TopicPartition, offset: Int64)]
        /// Partitions whose log ended before the live position: the offset where.
        public var short: [(partition: TopicPartition, end: Int64)]
        public var comparison: ShardComparison
        /// Those that differ.
        public var counts: [Count]
        public var isEqual: Bool { comparison.isEqual && counts.isEmpty }
    }

    public struct Outcome: Sendable {
        public var shards: [ShardResult]
        public var isEqual: Bool { shards.allSatisfy(\.isEqual) }
    }

    public enum Progress: Sendable {
        case logs(Backfill.Progress)
        case topics(Replay.Progress)
    }

    private let definitions: Definitions
    private let descriptorSets: [[UInt8]?]
    private let logs: LogOptions?
    private let notify: @Sendable (IngestNotice) -> Void

    /// - Parameter logs: what the live shards were backfilled from; nil: they have read everything from the topics. The cut-over time is the
    ///   one that the shards remember.
    public init(
        definitions: Definitions, descriptorSets: [[UInt8]?], logs: LogOptions? = nil,
        notify: @escaping @Sendable (IngestNotice) -> Void
    ) {
        self.definitions = definitions
        self.descriptorSets = descriptorSets
        self.logs = logs
        self.notify = notify
    }

    /// Copies, builds, compares; nil when it was interrupted. Brokers are asked only for what logs do not have.
    ///
    /// - Parameters:
    ///   - scratch: a directory for the copies and the new shards, as large as the store twice; emptied before and deleted after.
    ///   - limit: most differing rows to keep of each shard.
    ///   - allowsGaps: go on where first records are gone from the topics, which differences will come of.
    /// - Throws: `ShardError`, `LogError`, `BackfillError`, `IngestError`, `KafkaError`.
    public func run(
        scratch: String, limit: Int, allowsGaps: Bool, isInterrupted: () -> Bool = { false }, progress: (Progress) -> Void = { _ in }
    ) throws -> Outcome? {
        let numbers = Store.shardNumbers(in: definitions.store.directory)
        if numbers.isEmpty {
            throw ShardError.file(
                "no shard here: check `store.directory`, or let `millrace serve` run first", directory: definitions.store.directory)
        }
        let partitionCounts: [String: Int]
        var backfill: Backfill?, replay: Replay?
        if let logs {
            var settings = Backfill.Options(logs: logs)
            settings.logs.until = try cutover(of: numbers[0])
            backfill = try Backfill(definitions: definitions, descriptorSets: descriptorSets, options: settings)
            partitionCounts = backfill!.partitionCounts
        } else {
            replay = try connect()
            partitionCounts = replay!.partitionCounts
            let gaps = try replay!.gaps(shards: numbers)
            if !gaps.isEmpty, !allowsGaps { throw IngestError.unverifiable(gaps.map { ($0.partition, $0.oldest) }) }
        }
        try? FileManager.default.removeItem(atPath: scratch)
        defer { try? FileManager.default.removeItem(atPath: scratch) }

        var copied = definitions, made = definitions
        copied.store.directory = scratch + "/live"
        made.store.directory = scratch + "/rebuilt"
        // Nobody needs it after a system crash.
        made.store.durability = .replay
        var opened: [Shard] = []
        defer { for shard in opened { shard.close() } }
        func open(_ number: Int, _ definitions: Definitions, readOnly: Bool) throws -> Shard {
            let shard = try Shard(
                number: number, definitions: definitions, directory: definitions.store.directory,
                partitionCounts: readOnly ? [:] : partitionCounts, readOnly: readOnly)
            opened.append(shard)
            return shard
        }
        let live = try numbers.map { number in
            try Shard.copy(number, of: definitions, to: copied.store.directory)
            return try open(number, copied, readOnly: true)
        }
        let ends = Dictionary(uniqueKeysWithValues: live.flatMap { positions($0) })
        let rebuilt = try (backfill == nil ? numbers : Array(0..<(partitionCounts.values.max() ?? 1))).map { try open($0, made, readOnly: false) }
        if let backfill {
            var outcome = Backfill.Outcome(counts: definitions.streams.map { _ in StreamCounts() })
            let isWhole = try backfill.read(
                into: rebuilt, before: ends, &outcome, isInterrupted: isInterrupted, progress: { progress(.logs($0)) })
            guard isWhole else { return nil }
            for (a, b) in zip(live, rebuilt) {
                try b.setCutover(definitions.streams.indices.compactMap { stream in a.cutover(stream: stream).map { (stream, $0) } })
            }
        }
        let built = rebuilt.filter { numbers.contains($0.number) }
        let reached = Dictionary(uniqueKeysWithValues: built.flatMap { positions($0) })
        if ends.contains(where: { reached[$0.key] ?? 0 < $0.value }) {
            let topics = try replay ?? connect()
            if backfill != nil {
                let gaps = try topics.gaps(shards: numbers).filter { reached[$0.partition] == nil && ends[$0.partition] != nil }
                if !gaps.isEmpty, !allowsGaps { throw IngestError.unverifiable(gaps.map { ($0.partition, $0.oldest) }) }
            }
            guard try topics.run(built, until: .before(ends), isInterrupted: isInterrupted, progress: { progress(.topics($0)) }) else { return nil }
        }
        return Outcome(shards: try zip(live, built).map { try compare($0, $1, limit) })
    }

    /// Counts of one stream. An event of somebody who was erased counts as what it was when it came; in a shard made anew it is `erased`.
    private static func areEqual(_ a: StreamCounts, _ b: StreamCounts, anyErased: Bool) -> Bool {
        guard anyErased else { return a == b }
        let moving: [DropReason] = [.late, .duplicate, .erased]
        func sum(_ counts: StreamCounts) -> UInt64 { moving.reduce(counts.applied) { $0 + counts[$1] } }
        return sum(a) == sum(b) && DropReason.allCases.filter { !moving.contains($0) }.allSatisfy { a[$0] == b[$0] }
    }

    private func connect() throws -> Replay {
        try Replay(definitions: definitions, descriptorSets: descriptorSets, notify: notify)
    }

    /// The time up to which the live shards were backfilled; nil: by offsets, or not at all.
    private func cutover(of number: Int) throws -> Int64? {
        let shard = try Shard(
            number: number, definitions: definitions, directory: definitions.store.directory, partitionCounts: [:], readOnly: true)
        defer { shard.close() }
        return definitions.streams.indices.compactMap { shard.cutover(stream: $0) }.first
    }

    private func positions(_ shard: Shard) -> [(TopicPartition, Int64)] {
        definitions.streams.enumerated().compactMap { index, stream in
            shard.nextOffset(stream: index).map { (TopicPartition(topic: stream.topic, partition: shard.number), $0) }
        }
    }

    private func compare(_ live: Shard, _ rebuilt: Shard, _ limit: Int) throws -> ShardResult {
        let reached = Dictionary(uniqueKeysWithValues: positions(rebuilt))
        let short = positions(live).filter { reached[$0.0] ?? 0 < $0.1 }.map { ($0.0, reached[$0.0] ?? 0) }
        var counts: [Count] = []
        for (index, stream) in definitions.streams.enumerated() {
            let a = live.counts[index], b = rebuilt.counts[index]
            let all = [("applied", a.applied, b.applied)] + DropReason.allCases.map { ("\($0)", a[$0], b[$0]) }
            let isSame = Self.areEqual(a, b, anyErased: definitions.erasureStream != nil)
            counts += all.filter { $0.1 != $0.2 && !isSame }.map { Count(stream: stream.name, what: $0.0, live: $0.1, rebuilt: $0.2) }
        }
        return ShardResult(
            shard: live.number, positions: positions(live), short: short,
            comparison: try ShardComparison(live: live, rebuilt: rebuilt, limit: limit), counts: counts)
    }
}
