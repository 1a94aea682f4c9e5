public import FeatureStore
internal import Kafka
internal import Synchronization

/// `millrace backfill`: the next generation of every shard, from log files.
///
///     LogPipeline ──chunks in log order──► rounds ──a batch per shard──► shards, side by side
///
/// A round is some tens of MB of log. Each shard applies its part of it in one transaction, together with the place in the log where the
/// round ends, so a killed backfill goes on where each shard is, and nothing counts twice. Events of a shard are applied in the
/// order of the log: what is late or a duplicate is decided as it would have been live.
///
/// Memory: what `LogPipeline` states, and two rounds of `Options.roundBytes` with their events, about three times as much.
public final class Backfill {
    public struct Options: Sendable {
        public var logs: LogOptions
        /// Partitions of the topics; nil: as the store has them.
        public var partitions: Int?
        /// Decompressed bytes of log that are applied at once.
        public var roundBytes = 32 << 20
        public init(logs: LogOptions, partitions: Int? = nil) {
            self.logs = logs
            self.partitions = partitions
        }
    }

    public struct Progress: Sendable {
        /// Of the files as they lie on the disk; the total is nil with standard input.
        public var bytesRead: Int64 = 0
        public var totalBytes: Int64?
        /// In this run.
        public var records: Int64 = 0
        public var decompressedBytes: Int64 = 0
    }

    public struct Outcome: Sendable {
        /// False: interrupted; the next run goes on from here.
        public var isComplete = false
        public var shards = 0
        /// Of these, those that are live already, because no shard was in their place.
        public var adopted = 0
        /// By stream, over all shards.
        public var counts: [StreamCounts]
        /// What has no stream or is none of the backfill's business.
        public var skipped = BackfillMark.Skipped()
        public var progress = Progress()
        /// In this run.
        public var faults: [LogFault] = []
        /// Where source positions are missing within the log, in this run.
        public var gaps: [Gap] = []
        /// Source partitions of which the log does not have the first records, in this run.
        public var beginnings: [Gap] = []
        /// Where the live stream goes on, by topic and partition; empty: the logs do not say.
        public var positions: [(topic: String, partition: Int, nextOffset: Int64)] = []
        /// Events whose log says another partition than their key belongs to, in this run.
        public var partitionMismatches: UInt64 = 0
    }

    public struct Gap: Sendable, Equatable {
        public var topic: String
        public var partition: Int
        /// Missing records; of a beginning, the first offset there is.
        public var count: Int64

        public init(topic: String, partition: Int, count: Int64) {
            self.topic = topic
            self.partition = partition
            self.count = count
        }
    }

    private let definitions: Definitions
    private let options: Options
    private let pipeline: LogPipeline
    let partitionCounts: [String: Int]
    private let source: String

    public var totalBytes: Int64? { pipeline.totalBytes }

    /// Finds the files and the number of partitions. Nothing is written.
    public init(definitions: Definitions, descriptorSets: [[UInt8]?], options: Options) throws {
        self.definitions = definitions
        self.options = options
        pipeline = try LogPipeline(definitions: definitions, descriptorSets: descriptorSets, options: options.logs)
        let known = Shard.partitionCounts(in: definitions.store.directory)
        var counts: [String: Int] = [:]
        for stream in definitions.streams {
            let stored = known[stream.topic]
            if let stored, let wanted = options.partitions, stored != wanted {
                throw BackfillError.otherPartitions(topic: stream.topic, store: stored, wanted: wanted)
            }
            // A stream that is new to the store has what its topics have otherwise.
            guard let count = stored ?? options.partitions ?? known.values.max() else { throw BackfillError.partitionsUnknown }
            guard 1...100_000 ~= count else { throw BackfillError.badPartitions(count) }
            counts[stream.topic] = count
        }
        partitionCounts = counts
        source = Self.source(options, pipeline.files)
    }

    /// Two runs with equal text read the same, so one can go on with what the other has left.
    private static func source(_ options: Options, _ files: LogFiles) -> String {
        let logs = options.logs
        var text = files.files.map { "\($0.path) \($0.bytes ?? -1)" }.joined(separator: "\n")
        text += "\n\(logs.format?.rawValue ?? "") \(logs.stream ?? "") \(String(describing: logs.envelope)) \(logs.from ?? 0) \(logs.until ?? 0)"
        text += "\n" + logs.columns.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "\n")
        let hash = Array(text.utf8).withUnsafeBytes { XXHash64.hash($0) }
        return "logs \(String(hash, radix: 16)): \(files.files[0].path)\(files.files.count > 1 ? " and \(files.files.count - 1) more" : "")"
    }

    /// Builds, or goes on with an interrupted build of the same logs, and completes all shards at the end.
    ///
    /// - Throws: `LogError`, `ShardError`, `BackfillError`; the rounds before stay, and the next run goes on behind them.
    public func run(
        warn: @escaping (String) -> Void = { _ in }, isInterrupted: () -> Bool = { false }, progress: (Progress) -> Void = { _ in }
    ) throws -> Outcome {
        let build = GenerationBuild(definitions, source: source, partitionCounts: partitionCounts)
        defer { build.close() }
        let shardCount = partitionCounts.values.max() ?? 1
        var shards: [Shard] = []
        for number in 0..<shardCount { shards.append(try build.open(number, warn: warn)) }
        var outcome = Outcome(counts: definitions.streams.map { _ in StreamCounts() })
        outcome.shards = shardCount
        outcome.progress.totalBytes = pipeline.totalBytes
        outcome.isComplete = try shards.allSatisfy { build.isComplete($0.number) }
            || read(into: shards, &outcome, isInterrupted: isInterrupted, progress: progress)
        report(shards, &outcome)
        if outcome.isComplete {
            if let until = options.logs.until {
                for shard in shards { try shard.setCutover(definitions.streams.indices.filter { !definitions.streams[$0].isErasures }.map { ($0, until) }) }
            }
            for number in 0..<shardCount { try build.complete(number) }
            outcome.adopted = try adoptNew(shardCount)
        }
        return outcome
    }

    /// Applies the logs to shards, from where each of them is, and waits until all is committed. False when it was interrupted.
    ///
    /// - Parameter ends: records of these offsets and later are left out, of partitions for which the logs say offsets.
    func read(
        into shards: [Shard], before ends: [TopicPartition: Int64] = [:], _ outcome: inout Outcome, isInterrupted: () -> Bool,
        progress: (Progress) -> Void
    ) throws -> Bool {
        let marks = shards.map { $0.backfillMark ?? BackfillMark() }
        let router = BackfillRouter(definitions, shards, marks, partitionCounts, until: options.logs.until, before: ends)
        let applier = RoundApplier(shards, threads: min(shards.count, max(1, options.logs.threads)))
        defer { applier.stop() }
        var isStopped = false
        try pipeline.run(from: marks.map(\.position).min() ?? .start, cuts: marks.map(\.position)) { chunk in
            try router.take(chunk, &outcome)
            if router.roundBytes >= options.roundBytes { try applier.apply(router) }
            progress(outcome.progress)
            isStopped = isInterrupted()
            return !isStopped
        }
        try applier.apply(router)
        try applier.finish()
        return !isStopped
    }

    /// Where no shard is live there is nobody who could be serving it, so nobody has to be waited for.
    private func adoptNew(_ shardCount: Int) throws(ShardError) -> Int {
        let live = Set(Store.shardNumbers(in: definitions.store.directory))
        let store = Store(definitions)
        store.setPartitionCounts(partitionCounts)
        defer { store.closeAll() }
        var count = 0
        for number in 0..<shardCount where !live.contains(number) {
            _ = try store.openShard(number)
            count += 1
        }
        return count
    }

    private func report(_ shards: [Shard], _ outcome: inout Outcome) {
        for shard in shards {
            for (stream, of) in shard.counts.enumerated() { outcome.counts[stream] += of }
            for (stream, definition) in definitions.streams.enumerated() {
                guard let next = shard.nextOffset(stream: stream) else { continue }
                outcome.positions.append((definition.topic, shard.number, next))
            }
        }
        outcome.skipped = shards[0].backfillMark?.skipped ?? .init()
    }
}

/// Why a backfill cannot begin or go on, besides what is wrong with logs or shards.
public enum BackfillError: Error, Equatable, CustomStringConvertible {
    case partitionsUnknown
    case badPartitions(Int)
    case otherPartitions(topic: String, store: Int, wanted: Int)
    case noSuchPartition(topic: String, partition: Int, count: Int, path: String)

    public var description: String {
        switch self {
        case .partitionsUnknown:
            "the store is new, so it is not known how many partitions the topics have; say `--partitions N`, the number that the topics have in Kafka"
        case .badPartitions(let count): "\(count) is no number of partitions; say as many as the topics have in Kafka"
        case .otherPartitions(let topic, let store, let wanted):
            "the store has topic `\(topic)` in \(store) partitions, not \(wanted); leave `--partitions` out, or use another `store.directory`"
        case .noSuchPartition(let topic, let partition, let count, let path):
            "\(path): a record of \(topic)[\(partition)], but the topic has \(count) partitions; say `--partitions` as it was when the log was written"
        }
    }
}
