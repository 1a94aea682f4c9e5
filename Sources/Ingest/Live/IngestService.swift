public import FeatureStore
internal import Kafka
internal import Synchronization

/// Reads the streams' topics into the store: one polling thread for the whole process, one thread per shard.
///
///     librdkafka ──poll──► polling thread ──RecordQueue──► shard thread ──one transaction──► LMDB
///
/// Until a broker answers, the shards that lie on the disk are served as they are. Which shards this process hosts is the consumer group's
/// decision. When partitions are assigned, the polling thread opens their shards and starts reading where their state ends; when they are
/// revoked it finishes the batches at work and closes the shards before it lets go of the partitions (`IngestService+Assignment.swift`).
public final class IngestService: @unchecked Sendable {
    let store: Store
    let definitions: Definitions
    let descriptorSets: [[UInt8]?]
    let notify: @Sendable (IngestNotice) -> Void
    public let metrics = IngestMetrics()
    private let sampler: EntitySampler?
    private let inputs: InputWatch?

    private let isStopping = Atomic(false)
    var isInterrupted: Bool { isStopping.load(ordering: .relaxed) }
    private var thread: WorkerThread?
    private var purges: PurgeThread?
    /// When a broker did not answer how far erasures go.
    var unanswered: ContinuousClock.Instant?
    private(set) var consumer: Consumer!
    private var deadLetters: DeadLetters?
    private var deadLetterProducer: Producer?
    var partitionCounts: [String: Int] = [:]

    // Used by the polling thread only (and by `start` before there is one).
    let dispatch: RecordDispatch
    var workers: [Int: ShardWorker] { dispatch.workers }
    /// Shards that wait for disk space, to be opened again.
    var unopened: Set<Int> = []
    var lastAttempt = ContinuousClock.now
    /// What this process holds.
    var assigned: Set<TopicPartition> = []
    var isFirstAssignment = true
    /// Shards whose next generation catches up.
    var catchingUp: [Int: CatchingUp] = [:]
    var lastLook = ContinuousClock.now
    var lastCommitted: [TopicPartition: Int64] = [:]
    private var lastCommit = ContinuousClock.now
    private var disconnectedSince: Int64?
    var watch = LogWatch()

    /// How long a poll waits for a first record, and so how late a stop is noticed.
    private static let pollMilliseconds = 100
    /// Positions go to the consumer group this often, for the tools that show lag. The store does not need them.
    private static let groupCommitInterval: Duration = .seconds(1)
    /// The longest pause between two attempts to reach a broker.
    private static let longestPauseSeconds = 10
    /// Brokers that have just come up may not list their topics yet.
    private static let topicGrace: Duration = .seconds(10)

    /// - Parameters:
    ///   - descriptorSets: per stream, the descriptor set of a Protobuf stream.
    ///   - sampler: told of the entities that each batch touched; nil: features are not monitored.
    ///   - inputs: told of what breaks a contract or is dropped.
    public init(
        store: Store, descriptorSets: [[UInt8]?], sampler: EntitySampler? = nil, inputs: InputWatch? = nil,
        notify: @escaping @Sendable (IngestNotice) -> Void
    ) {
        self.sampler = sampler
        self.inputs = inputs
        self.store = store
        definitions = store.definitions
        self.descriptorSets = descriptorSets
        self.notify = notify
        dispatch = RecordDispatch(definitions, metrics)
    }

    /// Serves what is on the disk, waits for a broker, checks the topics, joins the group (or takes every partition) and starts the
    /// threads. Blocks until all of that is done or `interrupt` is called; throws when the configuration cannot work.
    ///
    /// `prepare` runs once, when a broker has answered: to create topics, say.
    public func start(prepare: () throws -> Void = {}) throws {
        let topics = definitions.streams.map(\.topic)
        try SourceTopics.checkDecoders(definitions, descriptorSets)
        consumer = try Consumer(
            configuration: SourceTopics.consumerConfiguration(definitions.kafka), topics: topics, subscribes: false,
            onAssign: { [unowned self] in self.assign($0) }, onRevoke: { [unowned self] in self.revoke($0) },
            onError: { [unowned self] in self.handle($0) },
            log: { [notify] level, facility, message in
                notify(.kafka(message: "\(facility): \(message)", isError: level <= 3))
            })
        if definitions.streams.contains(where: { $0.deadLetterTopic != nil }) || !ErasureTraces.topics(definitions).isEmpty {
            let producer = try Producer(configuration: SourceTopics.producerConfiguration(definitions.kafka))
            deadLetterProducer = producer
            deadLetters = DeadLetters(producer)
        }
        setDisconnected(Store.now())
        store.openAhead(disconnectedSince: disconnectedSince)
        guard try connect(topics, prepare) else { return }
        store.setPartitionCounts(partitionCounts)
        if definitions.kafka.assignment == .group { try consumer.subscribe() }
        thread = WorkerThread("poll") { [self] in run() }
        if let erasures = definitions.privacy.erasures {
            purges = PurgeThread(store, within: erasures.purgeWithin, notify)
            purges?.start()
        }
    }

    /// Asks for the topics until a broker answers. False when told to stop.
    private func connect(_ topics: [String], _ prepare: () throws -> Void) throws -> Bool {
        var pause = 1
        var answered: ContinuousClock.Instant?, isPrepared = false, hasWaited = false
        while !isStopping.load(ordering: .relaxed) {
            do {
                let timeout = min(15, max(2, pause * 2)) * 1000
                partitionCounts = try consumer.partitionCounts(topics, timeoutMilliseconds: timeout)
                if answered == nil {
                    answered = .now
                    setDisconnected(nil)
                    if hasWaited { notify(.brokersAnswered) }
                }
                if !isPrepared {
                    try prepare()
                    isPrepared = true
                    partitionCounts = try consumer.partitionCounts(topics, timeoutMilliseconds: timeout)
                }
                try SourceTopics.check(partitionCounts, definitions)
                return true
            } catch let error as KafkaError where error.isRetriable {
                setDisconnected(Store.now())
                hasWaited = true
                notify(.waitingForBrokers(reason: error.description, retrySeconds: pause, shardsServed: store.shards.count))
                rest(seconds: pause)
                pause = min(Self.longestPauseSeconds, pause * 2)
            } catch IngestError.missingTopics(let names) {
                guard hasWaited, let answered, ContinuousClock.now - answered < Self.topicGrace else { throw IngestError.missingTopics(names) }
                rest(seconds: 1)
            }
        }
        return false
    }

    /// Waits, and hears meanwhile what librdkafka has to say.
    private func rest(seconds: Int) {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end, !isStopping.load(ordering: .relaxed) {
            _ = try? consumer.poll(max: 1, timeoutMilliseconds: Self.pollMilliseconds) { $0.destroy() }
        }
    }

    /// Makes `start` return soon if it still waits for a broker, and the threads end soon. Any thread.
    public func interrupt() { isStopping.store(true, ordering: .relaxed) }

    /// Finishes the batches at work, commits, closes the shards, leaves the group. Blocks until all of that is done.
    public func stop() {
        interrupt()
        purges?.stop()
        purges = nil
        thread?.join()
        thread = nil
        consumer = nil
        deadLetterProducer = nil
    }

    // MARK: Polling thread

    private func run() {
        if definitions.kafka.assignment == .static { takeEverything() }
        while !isStopping.load(ordering: .relaxed) {
            let max = dispatch.balance(consumer) { partitions(of: $0) }
            var count = 0
            do {
                count = try consumer.poll(max: max, timeoutMilliseconds: Self.pollMilliseconds) { dispatch.take($0) }
            } catch {
                notify(.kafka(message: "\(error)", isError: true))
            }
            // First the ends, then the records: a position never passes the end that its shard knows of.
            noteEnds()
            if count > 0 {
                if !isConnected { setDisconnected(nil) }
                for partition in dispatch.handOver() { catchingUp[partition.partition]?.ended.remove(partition.topic) }
            }
            openAgain()
            watchGenerations()
            commitToGroup(wait: false)
        }
        revoke(Array(assigned))
        consumer.close()
    }

    func partitions(of number: Int) -> [TopicPartition] {
        definitions.streams.map { TopicPartition(topic: $0.topic, partition: number) }.filter { assigned.contains($0) }
    }

    func commitToGroup(wait: Bool) {
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

    /// `lettersFrom`: by stream, where dead letters begin that were not sent before.
    func makeWorker(_ shard: Shard, lettersFrom: [Int64?] = []) throws -> ShardWorker {
        noteConnection(shard)
        return try ShardWorker(
            shard: shard, definitions: definitions, descriptorSets: descriptorSets, partitionCounts: partitionCounts,
            deadLetters: deadLetters, lettersFrom: lettersFrom, metrics: metrics, cost: dispatch.cost, sampler: sampler, inputs: inputs,
            notify: notify)
    }

    /// What a shard that is opened while no broker answers has to be told.
    func noteConnection(_ shard: Shard) { shard.noteDisconnected(since: disconnectedSince) }

    // MARK: What librdkafka reports (on the polling thread)

    private func handle(_ error: KafkaError) {
        if error.isOffsetOutOfRange, let partition = error.topicPartition {
            let index = definitions.streams.firstIndex { $0.topic == partition.topic } ?? 0
            let offset = workers[partition.partition]?.shard.nextOffset(stream: index) ?? 0
            cannotGoOn(partition.partition, .positionGone(partition, offset: offset, oldest: nil))
        } else if error.isPartitionEnd {
            if let partition = error.topicPartition { catchingUp[partition.partition]?.ended.insert(partition.topic) }
            setDisconnected(nil)
        } else {
            if error.isUnreachable { setDisconnected(Store.now()) }
            if error.isUnknownTopic, let topic = error.topicPartition?.topic { watch.suspect(topic) }
            notify(.kafka(message: error.description, isError: true))
        }
    }

    var isConnected: Bool { disconnectedSince == nil }

    private func setDisconnected(_ since: Int64?) {
        metrics.setConnected(since == nil)
        guard since == nil || disconnectedSince == nil else { return }
        disconnectedSince = since
        for shard in store.shards { shard.noteDisconnected(since: since) }
        for number in catchingUp.keys { workers[number]?.shard.noteDisconnected(since: since) }
    }
}
