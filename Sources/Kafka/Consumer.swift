internal import CRdKafka
internal import Synchronization

/// A member of a consumer group (or a reader of partitions assigned by hand) that takes records in batches.
///
/// One thread polls, pauses, commits and closes. All handlers but `log` run inside `poll` and `close`, on that thread, so that the
/// application can finish its open batch in `onRevoke` before the partition is given up:
///
///     let consumer = try Consumer(
///         configuration: ["bootstrap.servers": "127.0.0.1:9092", "group.id": "millrace", "session.timeout.ms": "6000"],
///         topics: ["clicks", "purchases"],
///         onAssign: { partitions in try shards.open(partitions) },    // [TopicPartition: StartPosition]
///         onRevoke: { partitions in shards.commitAndClose(partitions) },
///         onError: { error in shards.note(error) })
///     while running {
///         try consumer.poll(max: 10_000, timeoutMilliseconds: 100) { record in
///             shards.apply(record)
///             record.destroy()
///         }
///     }
///     consumer.close()
///
/// The order of one rebalance: records already taken are handed over, `onRevoke(all)`, release, the group agrees,
/// `onAssign(new)`, start. With the default `range` assignor equal partition numbers of equally partitioned topics land together.
public final class Consumer: @unchecked Sendable {
    /// The topics, in the order that `Record.topicOrdinal` counts.
    public let topics: [String]

    let client: OpaquePointer
    private let queue: OpaquePointer
    private let session: ConsumerSession
    private let isPolling = Atomic(false)
    private let closed = Atomic(false)
    private var buffer = UnsafeMutableBufferPointer<UnsafeMutablePointer<rd_kafka_message_t>?>(start: nil, count: 0)
    /// The topic handles seen since the last rebalance; librdkafka has one for each topic as long as it is assigned.
    private var handles: [(handle: OpaquePointer, ordinal: Int)] = []

    /// What is set unless the configuration says otherwise.
    ///
    /// - Positions live with the state and are committed by hand. A position that is not in the log is an error, never a silent jump.
    /// - At most 64 MB of records are fetched ahead, over all partitions.
    /// - The broker answers a fetch after 50 ms at the latest, so a quiet topic is fresh.
    public static let defaults = [
        "enable.auto.commit": "false", "enable.auto.offset.store": "false", "auto.offset.reset": "error",
        "partition.assignment.strategy": "range", "queued.max.messages.kbytes": "65536", "fetch.wait.max.ms": "50",
    ]

    /// Joins the group and subscribes to the topics; or, with `subscribes: false`, waits for `subscribe()` or `assign(_:)`.
    ///
    /// - Parameters:
    ///   - configuration: librdkafka's properties; they win over `defaults`. `bootstrap.servers` and `group.id` are a must.
    ///   - onAssign: gets the new partitions and answers where each starts. One without an answer is held but not read. If it throws, nothing is consumed and `poll` throws the same error.
    ///   - onRevoke: gets the partitions that are given up; they are released when it returns.
    ///   - onError: errors of the client and of single partitions, also the end of a partition if asked for.
    ///   - log: librdkafka's log; called on any of its threads.
    public convenience init(
        configuration: [String: String], topics: [String], subscribes: Bool = true,
        onAssign: @escaping @Sendable ([TopicPartition]) throws -> [TopicPartition: StartPosition],
        onRevoke: @escaping @Sendable ([TopicPartition]) -> Void = { _ in },
        onError: @escaping @Sendable (KafkaError) -> Void, log: LogHandler? = nil
    ) throws(KafkaError) {
        try self.init(configuration, topics, onAssign, onRevoke, onError, log)
        if subscribes { try subscribe() }
    }

    /// Reads exactly these partitions and joins no group: for tools, and for replays beside a running group. `topics` is the
    /// sorted list of the topics among them. `group.id` is needed only to commit or to ask for committed offsets.
    public convenience init(
        configuration: [String: String], assigning positions: [TopicPartition: StartPosition],
        onError: @escaping @Sendable (KafkaError) -> Void, log: LogHandler? = nil
    ) throws(KafkaError) {
        try self.init(
            ["group.id": "millrace-reader"].merging(configuration) { $1 }, Set(positions.keys.map(\.topic)).sorted(),
            { _ in [:] }, { _ in }, onError, log)
        let list = try TopicPartitionList(positions.map { (key: $0.key, value: $0.value.librdkafkaOffset) })
        try check(rd_kafka_assign(client, list.handle), "assigning \(positions.count) partitions")
    }

    private init(
        _ configuration: [String: String], _ topics: [String],
        _ onAssign: @escaping @Sendable ([TopicPartition]) throws -> [TopicPartition: StartPosition],
        _ onRevoke: @escaping @Sendable ([TopicPartition]) -> Void, _ onError: @escaping @Sendable (KafkaError) -> Void,
        _ log: LogHandler?
    ) throws(KafkaError) {
        self.topics = topics
        let prepared = try Configuration(configuration, defaults: Self.defaults)
        session = ConsumerSession(
            onAssign: onAssign, onRevoke: onRevoke, onError: onError, log: log, redactor: prepared.redactor)
        prepared.configure { ConsumerSession.install(on: $0) }
        client = try prepared.makeClient(RD_KAFKA_CONSUMER, opaque: Unmanaged.passUnretained(session).toOpaque())
        // Errors and commit results come through the consumer's queue too.
        rd_kafka_poll_set_consumer(client)
        guard let queue = rd_kafka_queue_get_consumer(client) else {
            rd_kafka_destroy(client)
            throw KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_GROUP, "creating the consumer: set group.id")
        }
        self.queue = queue
        session.queue = queue
    }

    deinit {
        close()
        buffer.deallocate()
    }

    /// Takes what has arrived, at most `max` records, and waits up to `timeoutMilliseconds` only if there is none.
    ///
    /// Each record belongs to `body`, which destroys it now or hands it on to be destroyed later. Errors go to `onError`.
    ///
    /// - Returns: the number of records.
    /// - Throws: what `onAssign` threw.
    @discardableResult
    public func poll(max: Int, timeoutMilliseconds: Int, _ body: (Record) -> Void) throws -> Int {
        let isBusy = isPolling.exchange(true, ordering: .acquiring)
        precondition(!isBusy, "Consumer.poll is for one thread, and not for its own handlers")
        defer { isPolling.store(false, ordering: .releasing) }
        guard !closed.load(ordering: .relaxed) else { throw KafkaError(RD_KAFKA_RESP_ERR__STATE, "polling a closed consumer") }
        let count = take(limit: Swift.max(1, max), timeoutMilliseconds: Int32(clamping: Swift.max(0, timeoutMilliseconds)))
        var delivered = 0
        // Records come in runs of one topic.
        var lastHandle: OpaquePointer?, lastOrdinal = 0
        for index in 0..<count {
            guard let message = buffer[index] else { continue }
            if message.pointee.rkt != lastHandle || lastHandle == nil, let ordinal = ordinal(of: message.pointee.rkt) {
                (lastHandle, lastOrdinal) = (message.pointee.rkt, ordinal)
            }
            if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR, message.pointee.rkt == lastHandle {
                body(Record(message: message, topicOrdinal: lastOrdinal))
                delivered += 1
            } else {
                report(message)
                rd_kafka_message_destroy(message)
            }
        }
        if session.pending != nil {
            handles.removeAll(keepingCapacity: true)
            try session.serveRebalance(client)
        }
        return delivered
    }

    /// Fills the buffer with what is there; if that is nothing, waits for one record and then takes what came with it. (Asking
    /// for a batch with a timeout would wait for the *whole* batch: rd_kafka_consume_batch_queue returns when it is full or late.)
    private func take(limit: Int, timeoutMilliseconds: Int32) -> Int {
        if buffer.count < limit {
            buffer.deallocate()
            buffer = .allocate(capacity: limit)
            buffer.initialize(repeating: nil)
        }
        let taken = rd_kafka_consume_batch_queue(queue, 0, buffer.baseAddress, limit)
        if taken > 0 || timeoutMilliseconds == 0 || session.pending != nil { return Swift.max(0, taken) }
        let first = rd_kafka_consume_batch_queue(queue, timeoutMilliseconds, buffer.baseAddress, 1)
        if first < 1 || limit == 1 || session.pending != nil { return Swift.max(0, first) }
        return 1 + Swift.max(0, rd_kafka_consume_batch_queue(queue, 0, buffer.baseAddress! + 1, limit - 1))
    }

    /// The index of a handle's topic in `topics`.
    private func ordinal(of handle: OpaquePointer?) -> Int? {
        for known in handles where known.handle == handle { return known.ordinal }
        guard let handle, let name = rd_kafka_topic_name(handle) else { return nil }
        let topic = String(cString: name)
        guard let ordinal = topics.firstIndex(of: topic) else { return nil }
        handles.append((handle, ordinal))
        return ordinal
    }

    private func report(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
        let topic = message.pointee.rkt.flatMap { rd_kafka_topic_name($0) }.map { String(cString: $0) }
        let place = topic.map { TopicPartition(topic: $0, partition: Int(message.pointee.partition)) }
        guard message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR else {
            session.report(KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, "a record of a topic that was not asked for", at: place))
            return
        }
        let text = rd_kafka_message_errstr(message).map { String(cString: $0) }
        let isFatal = message.pointee.err == RD_KAFKA_RESP_ERR__FATAL
        session.report(KafkaError(
            message.pointee.err, text, at: place, offset: message.pointee.offset >= 0 ? message.pointee.offset : nil,
            isFatal: isFatal))
    }

    /// Leaves the group and disconnects: `onRevoke` runs for what is still assigned. All records must have been destroyed.
    /// Closing twice is fine.
    public func close() {
        guard !closed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        session.isClosing = true
        session.declineAssignment()
        try? session.serveRebalance(client)
        rd_kafka_consumer_close(client)
        rd_kafka_queue_destroy(queue)
        session.queue = nil
        rd_kafka_destroy(client)
    }

    var isClosed: Bool { closed.load(ordering: .relaxed) }
}
