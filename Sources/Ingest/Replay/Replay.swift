public import FeatureStore
public import Kafka

/// Reads the topics from where given shards stand up to fixed ends, into these shards: a next generation, or a copy to compare with.
///
/// It is the live engine (`ShardWorker`, `EventDecoder`, `Shard.apply`) under another clock: no consumer group, no dead letters (they were sent when
/// the events came first), and an end. An interrupted replay goes on where the shards' positions say.
public final class Replay {
    /// Where each partition ends.
    public enum Ends {
        /// Where the logs end now, as the first answers of the brokers say.
        case now
        /// Before these offsets; a partition that is not named is not read.
        case before([TopicPartition: Int64])
    }

    /// Records read and to be read, of the partitions whose ends are known.
    public struct Progress: Sendable, Equatable {
        public var done: Int64 = 0
        public var total: Int64 = 0

        public init() {}
    }

    /// A partition whose first records are gone.
    public struct Gap: Sendable, Equatable {
        public var partition: TopicPartition
        /// The oldest offset there is.
        public var oldest: Int64
    }

    public let partitionCounts: [String: Int]
    /// Shards there are to be: the partition numbers of the topics.
    public var shardCount: Int { partitionCounts.values.max() ?? 0 }

    private let definitions: Definitions
    private let descriptorSets: [[UInt8]?]
    private let notify: @Sendable (IngestNotice) -> Void
    private let consumer: Consumer
    private let events: ReplayEvents
    private let dispatch: RecordDispatch
    private let metrics = IngestMetrics()

    private static let pollMilliseconds = 100
    private static let maxRecordsPerPoll = 10_000

    /// Connects and checks schemas and topics. Blocks while brokers are asked.
    public init(
        definitions: Definitions, descriptorSets: [[UInt8]?], notify: @escaping @Sendable (IngestNotice) -> Void
    ) throws {
        self.definitions = definitions
        self.descriptorSets = descriptorSets
        self.notify = notify
        try SourceTopics.checkDecoders(definitions, descriptorSets)
        dispatch = RecordDispatch(definitions, metrics)
        let events = ReplayEvents(notify)
        self.events = events
        let topics = definitions.streams.map(\.topic)
        consumer = try Consumer(
            configuration: SourceTopics.consumerConfiguration(definitions.kafka), topics: topics, subscribes: false,
            onAssign: { _ in [:] }, onError: { events.take($0) },
            log: { level, facility, message in notify(.kafka(message: "\(facility): \(message)", isError: level <= 3)) })
        partitionCounts = try consumer.partitionCounts(topics, timeoutMilliseconds: 15_000)
        try SourceTopics.check(partitionCounts, definitions)
    }

    deinit { consumer.close() }

    // MARK: Beginnings

    /// The partitions of these shards whose first records are gone.
    public func gaps(shards: [Int]) throws -> [Gap] {
        var gaps: [Gap] = []
        for stream in definitions.streams {
            for number in shards where number < partitionCounts[stream.topic] ?? 0 {
                let partition = TopicPartition(topic: stream.topic, partition: number)
                let oldest = try consumer.queryWatermarks(partition).low
                if oldest > 0 { gaps.append(Gap(partition: partition, oldest: oldest)) }
            }
        }
        return gaps
    }

    /// The broker timestamp (µs) of each gap's oldest record; the present where nothing is left.
    public func times(ofOldest gaps: [Gap]) throws -> [TopicPartition: Int64] {
        guard !gaps.isEmpty else { return [:] }
        var times: [TopicPartition: Int64] = [:]
        try consumer.assign(Dictionary(uniqueKeysWithValues: gaps.map { ($0.partition, .offset($0.oldest)) }))
        events.reset()
        let began = ContinuousClock.now
        while times.count < gaps.count {
            try consumer.poll(max: Self.maxRecordsPerPoll, timeoutMilliseconds: Self.pollMilliseconds) { record in
                let partition = TopicPartition(topic: consumer.topics[record.topicOrdinal], partition: record.partition)
                if times[partition] == nil { times[partition] = record.timestampMicros }
                record.destroy()
            }
            for partition in events.ended where times[partition] == nil { times[partition] = Store.now() }
            if ContinuousClock.now - began > .seconds(60), let gap = gaps.first(where: { times[$0.partition] == nil }) {
                throw IngestError.silent(gap.partition)
            }
        }
        return times
    }

    // MARK: Running

    /// What is left to read of one partition.
    private struct Source {
        let stream: Int
        let partition: TopicPartition
        let start: Int64
    }

    /// Reads until every shard is at the ends. False when it was interrupted: what was read is committed, the rest can follow later.
    ///
    /// Erasures first: of whoever was erased nothing is written then.
    ///
    /// - Throws: `positionGone`, `shardStopped`; what was committed before stays.
    public func run(
        _ shards: [Shard], until ends: Ends, isInterrupted: () -> Bool = { false }, progress: (Progress) -> Void = { _ in }
    ) throws -> Bool {
        guard let erasures = definitions.erasureStream else {
            return try run(shards, Array(definitions.streams.indices), ends, isInterrupted, progress)
        }
        guard try run(shards, [erasures], ends, isInterrupted, { _ in }) else { return false }
        return try run(shards, definitions.streams.indices.filter { $0 != erasures }, ends, isInterrupted, progress)
    }

    private func run(
        _ shards: [Shard], _ streams: [Int], _ ends: Ends, _ isInterrupted: () -> Bool, _ progress: (Progress) -> Void
    ) throws -> Bool {
        var sources: [Source] = []
        var starts: [TopicPartition: StartPosition] = [:]
        // By stream, then partition; -1: not known yet.
        var limits = definitions.streams.map { Array(repeating: Int64(-1), count: partitionCounts[$0.topic] ?? 0) }
        for shard in shards {
            for stream in streams where shard.number < partitionCounts[definitions.streams[stream].topic] ?? 0 {
                let definition = definitions.streams[stream]
                let partition = TopicPartition(topic: definition.topic, partition: shard.number)
                let next = shard.nextOffset(stream: stream)
                if case .before(let offsets) = ends {
                    guard let end = offsets[partition], end > next ?? 0 else { continue }
                    limits[stream][shard.number] = end
                }
                let oldest = try consumer.queryWatermarks(partition).low
                if let next, next < oldest { throw IngestError.positionGone(partition, offset: next, oldest: oldest) }
                starts[partition] = next.map { .offset($0) } ?? .beginning
                sources.append(Source(stream: stream, partition: partition, start: next ?? oldest))
            }
        }
        if sources.isEmpty { return true }
        for shard in shards {
            dispatch.workers[shard.number] = try ShardWorker(
                shard: shard, definitions: definitions, descriptorSets: descriptorSets, partitionCounts: partitionCounts,
                deadLetters: nil, metrics: metrics, cost: dispatch.cost, notify: notify)
        }
        let paused = Array(starts.keys)
        defer {
            dispatch.finishAll()
            // A pause outlives the assignment.
            try? consumer.resume(paused)
            try? consumer.assign([:])
        }
        events.reset()
        try consumer.assign(starts)
        for worker in dispatch.workers.values { worker.start() }
        let byNumber = Dictionary(uniqueKeysWithValues: shards.map { ($0.number, $0) })
        var open = sources
        while !open.isEmpty, !isInterrupted() {
            let max = dispatch.balance(consumer) { number in open.filter { $0.partition.partition == number }.map(\.partition) }
            try poll(max, &limits)
            for source in open where limits[source.stream][source.partition.partition] < 0 { learnEnd(source.partition, source.stream, &limits) }
            try check(byNumber)
            open.removeAll { isDone($0, byNumber, limits) }
            progress(Self.progress(sources, byNumber, limits))
        }
        return open.isEmpty
    }

    private func poll(_ max: Int, _ limits: inout [[Int64]]) throws {
        let count = try consumer.poll(max: max, timeoutMilliseconds: Self.pollMilliseconds) { record in
            let stream = record.topicOrdinal, number = record.partition
            if limits[stream][number] < 0 {
                learnEnd(TopicPartition(topic: consumer.topics[stream], partition: number), stream, &limits)
            }
            let limit = limits[stream][number]
            if limit >= 0, record.offset >= limit { record.destroy() } else { dispatch.take(record) }
        }
        if count > 0 { for partition in dispatch.handOver() { events.notEnded(partition) } }
    }

    /// What the answer to the partition's first fetch said; asking for it costs no request.
    private func learnEnd(_ partition: TopicPartition, _ stream: Int, _ limits: inout [[Int64]]) {
        if let marks = consumer.cachedWatermarks(partition) { limits[stream][partition.partition] = marks.high }
    }

    private func isDone(_ source: Source, _ shards: [Int: Shard], _ limits: [[Int64]]) -> Bool {
        let number = source.partition.partition
        let limit = limits[source.stream][number]
        if limit >= 0, (shards[number]?.nextOffset(stream: source.stream) ?? source.start) >= limit {
            // What comes after the end is not asked for any more.
            try? consumer.pause([source.partition])
            return true
        }
        // The last offsets need not be records: compaction takes some away, and the ends of transactions are none.
        return events.ended.contains(source.partition) && dispatch.workers[number]?.queue.isIdle ?? true
    }

    private func check(_ shards: [Int: Shard]) throws {
        for (number, shard) in shards.sorted(by: { $0.key < $1.key }) {
            if let reason = shard.stopReason { throw IngestError.shardStopped(number, reason: reason) }
        }
        guard let partition = events.outOfRange else { return }
        let stream = definitions.streams.firstIndex { $0.topic == partition.topic } ?? 0
        throw IngestError.positionGone(
            partition, offset: shards[partition.partition]?.nextOffset(stream: stream) ?? 0, oldest: nil)
    }

    private static func progress(_ sources: [Source], _ shards: [Int: Shard], _ limits: [[Int64]]) -> Progress {
        var progress = Progress()
        for source in sources {
            let number = source.partition.partition
            let limit = limits[source.stream][number]
            guard limit >= 0 else { continue }
            progress.total += max(0, limit - source.start)
            progress.done += max(0, min(limit, shards[number]?.nextOffset(stream: source.stream) ?? source.start) - source.start)
        }
        return progress
    }
}

/// What the consumer reported besides records. Handlers and readers are both on the replay's thread.
private final class ReplayEvents: @unchecked Sendable {
    private(set) var ended: Set<TopicPartition> = []
    private(set) var outOfRange: TopicPartition?
    private let notify: @Sendable (IngestNotice) -> Void

    init(_ notify: @escaping @Sendable (IngestNotice) -> Void) { self.notify = notify }

    func reset() {
        ended = []
        outOfRange = nil
    }

    func notEnded(_ partition: TopicPartition) { ended.remove(partition) }

    func take(_ error: KafkaError) {
        if error.isPartitionEnd, let partition = error.topicPartition {
            ended.insert(partition)
        } else if error.isOffsetOutOfRange, let partition = error.topicPartition {
            outOfRange = partition
        } else {
            notify(.kafka(message: error.description, isError: true))
        }
    }
}
