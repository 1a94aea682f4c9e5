public import FeatureStore
internal import Kafka
internal import Synchronization

/// Reads the streams' topics into the store: one polling thread for the whole process, one thread per shard.
///
///     librdkafka ──poll──► polling thread ──RecordQueue──► shard thread ──one transaction──► LMDB
///
/// Which shards this process hosts is the consumer group's decision. When partitions are assigned, the polling thread opens their
/// shards and starts reading where their state ends; when they are revoked it finishes the batches at work and closes the shards
/// before it lets go of the partitions.
public final class IngestService: @unchecked Sendable {
    let store: Store
    let definitions: Definitions
    private let descriptorSets: [[UInt8]?]
    let notify: @Sendable (IngestNotice) -> Void
    public let metrics = IngestMetrics()

    private let isStopping = Atomic(false)
    private var thread: WorkerThread?
    private(set) var consumer: Consumer!
    private var deadLetters: DeadLetters?
    private var deadLetterProducer: Producer?
    private var partitionCounts: [String: Int] = [:]

    // Used by the polling thread only.
    let dispatch = RecordDispatch()
    var workers: [Int: ShardWorker] { dispatch.workers }
    /// What this process holds.
    private var assigned: Set<TopicPartition> = []
    /// Shards whose partitions are held but not read, because they could not start.
    private(set) var unread: Set<Int> = []
    /// Shards whose next generation catches up.
    var catchingUp: [Int: CatchingUp] = [:]
    var lastLook = ContinuousClock.now
    private var lastCommit = ContinuousClock.now
    private var lastCommitted: [TopicPartition: Int64] = [:]
    private var disconnectedSince: Int64?

    /// How long a poll waits for a first record, and so how late a stop is noticed.
    private static let pollMilliseconds = 100
    private static let maxRecordsPerPoll = 10_000
    /// Positions go to the consumer group this often, for the tools that show lag. The store does not need them.
    private static let groupCommitInterval: Duration = .seconds(1)

    /// `descriptorSets`: per stream, the descriptor set of a Protobuf stream.
    public init(
        store: Store, descriptorSets: [[UInt8]?], notify: @escaping @Sendable (IngestNotice) -> Void
    ) {
        self.store = store
        definitions = store.definitions
        self.descriptorSets = descriptorSets
        self.notify = notify
    }

    /// Checks the topics, joins the group (or takes every partition) and starts the threads. Blocks while brokers are asked.
    public func start() throws {
        let topics = definitions.streams.map(\.topic)
        try SourceTopics.checkDecoders(definitions, descriptorSets)
        consumer = try Consumer(
            configuration: SourceTopics.consumerConfiguration(definitions.kafka), topics: topics,
            subscribes: definitions.kafka.assignment == .group,
            onAssign: { [unowned self] in self.assign($0) }, onRevoke: { [unowned self] in self.revoke($0) },
            onError: { [unowned self] in self.handle($0) },
            log: { [notify] level, facility, message in
                notify(.kafka(message: "\(facility): \(message)", isError: level <= 3))
            })
        partitionCounts = try consumer.partitionCounts(topics, timeoutMilliseconds: 15_000)
        try SourceTopics.check(partitionCounts, definitions)
        store.setPartitionCounts(partitionCounts)
        if definitions.streams.contains(where: { $0.deadLetterTopic != nil }) {
            var producerConfiguration = definitions.kafka.properties.filter { !Self.consumerOnly.contains($0.key) }
            producerConfiguration["bootstrap.servers"] = definitions.kafka.brokers
            producerConfiguration["enable.idempotence"] = "true"
            let producer = try Producer(configuration: producerConfiguration)
            deadLetterProducer = producer
            deadLetters = DeadLetters(producer)
        }
        thread = WorkerThread("poll") { [self] in run() }
    }

    /// Properties of `kafka.properties` that a producer would warn about.
    private static let consumerOnly: Set<String> = [
        "session.timeout.ms", "heartbeat.interval.ms", "max.poll.interval.ms", "fetch.wait.max.ms", "fetch.min.bytes",
        "fetch.max.bytes", "max.partition.fetch.bytes", "fetch.message.max.bytes", "queued.min.messages",
        "queued.max.messages.kbytes", "group.instance.id", "isolation.level", "check.crcs", "fetch.error.backoff.ms",
    ]

    /// Finishes the batches at work, commits, closes the shards, leaves the group. Blocks until all of that is done.
    public func stop() {
        isStopping.store(true, ordering: .relaxed)
        thread?.join()
        thread = nil
        consumer = nil
        deadLetterProducer = nil
    }

    // MARK: Polling thread

    private func run() {
        if definitions.kafka.assignment == .static { takeEverything() }
        while !isStopping.load(ordering: .relaxed) {
            do {
                let count = try consumer.poll(max: Self.maxRecordsPerPoll, timeoutMilliseconds: Self.pollMilliseconds) { record in
                    dispatch.take(record)
                }
                if count > 0 {
                    if disconnectedSince != nil { setDisconnected(nil) }
                    dispatch.handOver()
                }
            } catch {
                notify(.kafka(message: "\(error)", isError: true))
            }
            noteEnds()
            watchGenerations()
            dispatch.balance(consumer) { partitions(of: $0) }
            commitToGroup(wait: false)
        }
        revoke(Array(assigned))
        consumer.close()
    }

    private func takeEverything() {
        let all = definitions.streams.flatMap { stream in
            (0..<(partitionCounts[stream.topic] ?? 0)).map { TopicPartition(topic: stream.topic, partition: $0) }
        }
        do {
            try consumer.assign(assign(all))
        } catch {
            notify(.kafka(message: "\(error)", isError: true))
        }
    }

    /// Tells the shards where the logs end, as the last fetches said.
    private func noteEnds() {
        for (number, worker) in workers {
            for (index, stream) in definitions.streams.enumerated() {
                let partition = TopicPartition(topic: stream.topic, partition: number)
                guard let marks = consumer.cachedWatermarks(partition), marks.high >= 0 else { continue }
                worker.shard.noteEnd(stream: index, end: marks.high)
                catchingUp[number]?.live.noteEnd(stream: index, end: marks.high)
            }
        }
    }

    func partitions(of number: Int) -> [TopicPartition] {
        definitions.streams.map { TopicPartition(topic: $0.topic, partition: number) }.filter { assigned.contains($0) }
    }

    private func commitToGroup(wait: Bool) {
        guard wait || ContinuousClock.now - lastCommit >= Self.groupCommitInterval else { return }
        lastCommit = ContinuousClock.now
        var offsets: [TopicPartition: Int64] = [:]
        for (number, worker) in workers {
            for (index, stream) in definitions.streams.enumerated() {
                let partition = TopicPartition(topic: stream.topic, partition: number)
                guard let offset = worker.shard.nextOffset(stream: index), lastCommitted[partition] != offset else { continue }
                offsets[partition] = offset
            }
        }
        guard !offsets.isEmpty else { return }
        // During a rebalance the group may refuse; the positions that count are in the shards.
        if (try? consumer.commit(offsets, asynchronously: !wait)) != nil { lastCommitted.merge(offsets) { $1 } }
    }

    // MARK: Assignment (on the polling thread)

    private func assign(_ partitions: [TopicPartition]) -> [TopicPartition: StartPosition] {
        var starts: [TopicPartition: StartPosition] = [:]
        let numbers = Set(partitions.map(\.partition)).sorted()
        for number in numbers {
            do {
                let worker: ShardWorker
                if let running = workers[number] {
                    worker = running
                } else {
                    worker = try makeWorker(store.openShard(number) { notify(.warning($0)) })
                    dispatch.workers[number] = worker
                    worker.start()
                }
                for (index, stream) in definitions.streams.enumerated() {
                    let partition = TopicPartition(topic: stream.topic, partition: number)
                    guard partitions.contains(partition) else { continue }
                    starts[partition] = try start(of: partition, worker.shard, stream: index)
                }
            } catch {
                stopShard(number, "\(error)")
                unread.insert(number)
                for partition in partitions where partition.partition == number { starts[partition] = nil }
            }
        }
        assigned.formUnion(partitions)
        store.noteAssigned()
        notify(.assigned(shards: numbers))
        return starts
    }

    /// `lettersFrom`: by stream, where dead letters begin that were not sent before.
    func makeWorker(_ shard: Shard, lettersFrom: [Int64?] = []) throws -> ShardWorker {
        if let disconnectedSince { shard.noteDisconnected(since: disconnectedSince) }
        return try ShardWorker(
            shard: shard, definitions: definitions, descriptorSets: descriptorSets, partitionCounts: partitionCounts,
            deadLetters: deadLetters, lettersFrom: lettersFrom, metrics: metrics, notify: notify)
    }

    /// Where to go on; throws when the log no longer has what comes next.
    private func start(of partition: TopicPartition, _ shard: Shard, stream: Int) throws -> StartPosition {
        guard let nextOffset = shard.nextOffset(stream: stream) else {
            // Behind a cut-over time everything is to be read that the topic has: what was taken already is told by its time.
            return definitions.kafka.start == .earliest || shard.cutover(stream: stream) != nil ? .beginning : .end
        }
        let marks = try consumer.queryWatermarks(partition, timeoutMilliseconds: 10_000)
        if nextOffset < marks.low { throw IngestError.positionGone(partition, offset: nextOffset, oldest: marks.low) }
        return .offset(nextOffset)
    }

    func stopShard(_ number: Int, _ reason: String) {
        workers[number]?.shard.noteStopped(reason)
        store.noteUnavailable(number, reason)
        notify(.stopped(shard: number, reason: reason))
    }

    private func revoke(_ partitions: [TopicPartition]) {
        let numbers = Set(partitions.map(\.partition)).sorted()
        for number in numbers { workers[number]?.queue.close() }
        for number in numbers { workers[number]?.finish() }
        commitToGroup(wait: true)
        for number in numbers {
            dispatch.remove(number)
            catchingUp[number] = nil
            unread.remove(number)
            store.closeShard(number)
        }
        assigned.subtract(partitions)
        lastCommitted = lastCommitted.filter { !numbers.contains($0.key.partition) }
        if !numbers.isEmpty { notify(.revoked(shards: numbers)) }
    }

    private func handle(_ error: KafkaError) {
        if error.isOffsetOutOfRange, let partition = error.topicPartition {
            let index = definitions.streams.firstIndex { $0.topic == partition.topic } ?? 0
            let offset = workers[partition.partition]?.shard.nextOffset(stream: index) ?? 0
            let gone = IngestError.positionGone(partition, offset: offset, oldest: nil)
            if catchingUp[partition.partition] != nil {
                catchingUp[partition.partition]!.fault = gone.description
                return
            }
            stopShard(partition.partition, gone.description)
            try? consumer.pause(partitions(of: partition.partition))
        } else if error.isPartitionEnd {
            if let partition = error.topicPartition { catchingUp[partition.partition]?.ended.insert(partition.topic) }
            setDisconnected(nil)
        } else {
            if error.isUnreachable { setDisconnected(Store.now()) }
            notify(.kafka(message: error.description, isError: true))
        }
    }

    private func setDisconnected(_ since: Int64?) {
        guard since == nil || disconnectedSince == nil else { return }
        disconnectedSince = since
        for worker in workers.values { worker.shard.noteDisconnected(since: since) }
        for next in catchingUp.values { next.live.noteDisconnected(since: since) }
    }
}
