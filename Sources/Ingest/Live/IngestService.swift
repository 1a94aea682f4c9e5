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
    private let store: Store
    private let definitions: Definitions
    private let descriptorSets: [[UInt8]?]
    private let notify: @Sendable (IngestNotice) -> Void
    public let metrics = IngestMetrics()

    private let isStopping = Atomic(false)
    private var thread: WorkerThread?
    private var consumer: Consumer!
    private var deadLetters: DeadLetters?
    private var deadLetterProducer: Producer?
    private var partitionCounts: [String: Int] = [:]

    // Used by the polling thread only.
    private var workers: [Int: ShardWorker] = [:]
    private var arrived: [Int: (records: [Record], bytes: Int)] = [:]
    private var paused: Set<Int> = []
    /// What is being read.
    private var assigned: Set<TopicPartition> = []
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
        // A wrong schema is reported before anything starts.
        for (index, stream) in definitions.streams.enumerated() {
            _ = try EventDecoder(stream: stream, index: Int32(index), descriptorSet: descriptorSets[index])
        }
        var configuration = definitions.kafka.properties
        configuration["bootstrap.servers"] = definitions.kafka.brokers
        configuration["group.id"] = definitions.kafka.group
        configuration["client.id"] = configuration["client.id"] ?? "millrace"
        // All partitions of a number must land together, also those of different topics.
        configuration["partition.assignment.strategy"] = "range"
        configuration["auto.offset.reset"] = "error"
        configuration["enable.partition.eof"] = "true"
        consumer = try Consumer(
            configuration: configuration, topics: topics,
            subscribes: definitions.kafka.assignment == .group,
            onAssign: { [unowned self] in self.assign($0) }, onRevoke: { [unowned self] in self.revoke($0) },
            onError: { [unowned self] in self.handle($0) },
            log: { [notify] level, facility, message in
                notify(.kafka(message: "\(facility): \(message)", isError: level <= 3))
            })
        partitionCounts = try consumer.partitionCounts(topics, timeoutMilliseconds: 15_000)
        try checkPartitionCounts()
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

    private func checkPartitionCounts() throws {
        let missing = definitions.streams.map(\.topic).filter { (partitionCounts[$0] ?? 0) == 0 }
        guard missing.isEmpty else { throw IngestError.missingTopics(missing) }
        for entity in definitions.entities {
            let streams = definitions.streams.filter { $0.partitioned && $0.keys.first?.entity == entity.name }
            guard let first = streams.first, let count = partitionCounts[first.topic] else { continue }
            for other in streams.dropFirst() where partitionCounts[other.topic] != count {
                throw IngestError.unequalPartitions(
                    entity: entity.name, first.topic, count, other.topic, partitionCounts[other.topic] ?? 0)
            }
        }
    }

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
                    arrived[record.partition, default: ([], 0)].records.append(record)
                    arrived[record.partition]!.bytes += record.byteCount
                }
                if count > 0 { handOver() }
            } catch {
                notify(.kafka(message: "\(error)", isError: true))
            }
            noteEnds()
            balance()
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

    private func handOver() {
        if disconnectedSince != nil { setDisconnected(nil) }
        for number in arrived.keys {
            guard !arrived[number]!.records.isEmpty else { continue }
            guard let queue = workers[number]?.queue else {
                for record in arrived[number]!.records { record.destroy() }
                arrived[number] = ([], 0)
                continue
            }
            let bytes = arrived[number]!.bytes
            queue.append(&arrived[number]!.records, bytes: bytes)
            arrived[number]!.bytes = 0
        }
    }

    /// Tells the shards where the logs end, as the last fetches said.
    private func noteEnds() {
        for (number, worker) in workers {
            for (index, stream) in definitions.streams.enumerated() {
                let partition = TopicPartition(topic: stream.topic, partition: number)
                guard let marks = consumer.cachedWatermarks(partition), marks.high >= 0 else { continue }
                worker.shard.noteEnd(stream: index, end: marks.high)
            }
        }
    }

    /// Pauses partitions whose shard has enough waiting, resumes them when half of it is done.
    private func balance() {
        for (number, worker) in workers {
            let partitions = self.partitions(of: number)
            if !paused.contains(number), worker.queue.isFull {
                paused.insert(number)
                try? consumer.pause(partitions)
            } else if paused.contains(number), worker.queue.isHalfEmpty {
                paused.remove(number)
                try? consumer.resume(partitions)
            }
        }
    }

    private func partitions(of number: Int) -> [TopicPartition] {
        return definitions.streams.map { TopicPartition(topic: $0.topic, partition: number) }.filter { assigned.contains($0) }
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
                    let shard = try store.openShard(number) { notify(.warning($0)) }
                    worker = try ShardWorker(
                        shard: shard, definitions: definitions, descriptorSets: descriptorSets,
                        partitionCounts: partitionCounts, deadLetters: deadLetters, metrics: metrics, notify: notify)
                    workers[number] = worker
                    worker.start()
                }
                for (index, stream) in definitions.streams.enumerated() {
                    let partition = TopicPartition(topic: stream.topic, partition: number)
                    guard partitions.contains(partition) else { continue }
                    starts[partition] = try start(of: partition, worker.shard.nextOffset(stream: index))
                }
            } catch {
                stopShard(number, "\(error)")
                for partition in partitions where partition.partition == number { starts[partition] = nil }
            }
        }
        assigned.formUnion(partitions)
        store.noteAssigned()
        notify(.assigned(shards: numbers))
        return starts
    }

    /// Where to go on; throws when the log no longer has what comes next.
    private func start(of partition: TopicPartition, _ nextOffset: Int64?) throws -> StartPosition {
        guard let nextOffset else { return definitions.kafka.start == .earliest ? .beginning : .end }
        let marks = try consumer.queryWatermarks(partition, timeoutMilliseconds: 10_000)
        if nextOffset < marks.low { throw IngestError.positionGone(partition, offset: nextOffset, oldest: marks.low) }
        return .offset(nextOffset)
    }

    private func stopShard(_ number: Int, _ reason: String) {
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
            arrived[number]?.records.forEach { $0.destroy() }
            arrived[number] = nil
            paused.remove(number)
            workers[number] = nil
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
            stopShard(partition.partition, gone.description)
            try? consumer.pause(partitions(of: partition.partition))
        } else if error.isPartitionEnd {
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
    }
}
