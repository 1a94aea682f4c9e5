internal import CRdKafka
internal import Synchronization

/// Sends records in the background: `produce` copies the record into a queue, librdkafka batches, sends and retries.
///
/// Callable from many threads. A record is safe only when `flush` answered 0 and `deliveryFailures` did not grow:
///
///     try producer.produce(topic: "clicks", key: key, value: value)
///     ...
///     guard producer.flush(timeoutMilliseconds: 10_000) == 0, producer.deliveryFailures == 0 else { ... producer.lastError ... }
public final class Producer: Sendable {
    private let client: Client
    private let session: ProducerSession
    private let topics = Mutex<[String: TopicHandle]>([:])
    /// How long `produce` waits for room in a full queue.
    private let queueFullTimeoutMilliseconds: Int

    /// What is set unless the configuration says otherwise: idempotent (no duplicates and no reordering by retries), Java's
    /// partitioner, and reports only of failed deliveries, as successes would cost an event each.
    public static let defaults = [
        "enable.idempotence": "true", "partitioner": "murmur2_random", "delivery.report.only.error": "true", "linger.ms": "5",
    ]

    /// - Parameters:
    ///   - configuration: librdkafka's properties; they win over `defaults`. `partitioner` says how keys map to partitions.
    ///   - queueFullTimeoutMilliseconds: how long `produce` waits for room in a full queue before it throws.
    ///   - onError: errors of the client; called inside `produce`, `poll` and `flush`.
    public init(
        configuration: [String: String], queueFullTimeoutMilliseconds: Int = 60_000,
        onError: @escaping @Sendable (KafkaError) -> Void = { _ in }, log: LogHandler? = nil
    ) throws(KafkaError) {
        let prepared = try Configuration(configuration, defaults: Self.defaults)
        session = ProducerSession(onError: onError, log: log, redactor: prepared.redactor)
        prepared.configure { ProducerSession.install(on: $0) }
        client = Client(try prepared.makeClient(RD_KAFKA_PRODUCER, opaque: Unmanaged.passUnretained(session).toOpaque()))
        self.queueFullTimeoutMilliseconds = queueFullTimeoutMilliseconds
    }

    deinit { close() }

    /// Queues a copy of one record.
    ///
    /// - Parameters:
    ///   - partition: `nil` lets the configured partitioner choose by the key.
    ///   - key: `nil` for none, which is not the same as an empty one.
    ///   - value: `nil` for a tombstone.
    ///   - timestampMilliseconds: since the epoch; `nil` for now.
    ///   - delivery: hears of the record's end. The producer needs `delivery.report.only.error` = `false` then.
    /// - Throws: `_QUEUE_FULL` when the queue stays full for the whole timeout, `MSG_SIZE_TOO_LARGE`, `_UNKNOWN_PARTITION`.
    public func produce(
        topic: String, partition: Int? = nil, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
        headers: [(String, [UInt8])] = [], timestampMilliseconds: Int64? = nil, delivery: Delivery? = nil
    ) throws(KafkaError) {
        let handle = try handle(of: topic)
        var number = RD_KAFKA_PARTITION_UA
        if let partition { number = try TopicPartition(topic: topic, partition: partition).number() }
        var waited = 0
        while true {
            let failure: KafkaError
            do throws(KafkaError) {
                return try enqueue(handle, number, key, value, headers, timestampMilliseconds, delivery)
            } catch {
                failure = error
            }
            guard failure.code == RD_KAFKA_RESP_ERR__QUEUE_FULL.rawValue, waited < queueFullTimeoutMilliseconds else {
                throw failure
            }
            try client.with { _ = rd_kafka_poll($0, 10) }
            waited += 10
        }
    }

    /// Records whose delivery failed for good so far.
    public var deliveryFailures: Int { session.failures.load(ordering: .relaxed) }

    /// The newest delivery failure.
    public var lastError: KafkaError? { session.lastError.withLock { $0 } }

    /// Records and requests that are queued or in flight.
    public var pendingCount: Int { (try? client.with { Int(rd_kafka_outq_len($0)) }) ?? 0 }

    /// Serves delivery failures and errors. `produce` alone does not, so call it now and then.
    ///
    /// - Parameter milliseconds: how long it waits for one.
    public func poll(milliseconds: Int = 0) { _ = try? client.with { rd_kafka_poll($0, Int32(clamping: milliseconds)) } }

    /// How many partitions each topic has; one that does not exist is left out.
    public func partitionCounts(_ topics: [String], timeoutMilliseconds: Int = 10_000) throws(KafkaError) -> [String: Int] {
        let result = try client.with { client -> Result<[String: Int], KafkaError> in
            do throws(KafkaError) {
                return .success(try readPartitionCounts(client, topics, timeoutMilliseconds: timeoutMilliseconds))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Sends everything that is queued and waits for the answers, at most `timeoutMilliseconds`.
    ///
    /// - Returns: how many records are left.
    @discardableResult
    public func flush(timeoutMilliseconds: Int) -> Int {
        (try? client.with { client in
            rd_kafka_flush(client, Int32(clamping: timeoutMilliseconds))
            return Int(rd_kafka_outq_len(client))
        }) ?? 0
    }

    /// Disconnects. What was not flushed is lost, and its deliveries hear of it. Closing twice is fine.
    public func close() {
        client.close { handle in
            rd_kafka_purge(handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
            rd_kafka_poll(handle, 0)
            topics.withLock { topics in
                for topic in topics.values { rd_kafka_topic_destroy(topic.pointer) }
                topics = [:]
            }
        }
    }

    private struct TopicHandle: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    private func handle(of topic: String) throws(KafkaError) -> OpaquePointer {
        if let known = topics.withLock({ $0[topic] }) { return known.pointer }
        // librdkafka takes an empty name and fails only at the delivery.
        let created = try client.with { topic.isEmpty ? nil : rd_kafka_topic_new($0, topic, nil) }
            .map { TopicHandle(pointer: $0) }
        guard let created else {
            throw KafkaError(RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, "\"\(topic)\" is not the name of a topic")
        }
        return topics.withLock { topics in
            if let known = topics[topic] {
                rd_kafka_topic_destroy(created.pointer)
                return known.pointer
            }
            topics[topic] = created
            return created.pointer
        }
    }

    private func enqueue(
        _ topic: OpaquePointer, _ partition: Int32, _ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?,
        _ headers: [(String, [UInt8])], _ timestamp: Int64?, _ delivery: Delivery?
    ) throws(KafkaError) {
        // rd_kafka_produceva takes a list of tagged arguments; at most eight here.
        try withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: 8) { arguments throws(KafkaError) in
            var count = 0
            func add(_ tag: rd_kafka_vtype_t, _ fill: (inout rd_kafka_vu_t) -> Void) {
                var argument = rd_kafka_vu_t()
                argument.vtype = tag
                fill(&argument)
                (arguments.baseAddress! + count).initialize(to: argument)
                count += 1
            }
            add(RD_KAFKA_VTYPE_RKT) { $0.u.rkt = topic }
            add(RD_KAFKA_VTYPE_PARTITION) { $0.u.i32 = partition }
            add(RD_KAFKA_VTYPE_MSGFLAGS) { $0.u.i = RD_KAFKA_MSG_F_COPY }
            add(RD_KAFKA_VTYPE_VALUE) { $0.u.mem = .init(ptr: Self.pointer(value), size: value?.count ?? 0) }
            add(RD_KAFKA_VTYPE_KEY) { $0.u.mem = .init(ptr: Self.pointer(key), size: key?.count ?? 0) }
            if let timestamp { add(RD_KAFKA_VTYPE_TIMESTAMP) { $0.u.i64 = timestamp } }
            // The report of the record gives it back (`ProducerSession`).
            let opaque = delivery.map { Unmanaged.passRetained($0).toOpaque() }
            if let opaque { add(RD_KAFKA_VTYPE_OPAQUE) { $0.u.ptr = opaque } }
            delivery?.began()
            let list = headers.isEmpty ? nil : Self.list(headers)
            if let list { add(RD_KAFKA_VTYPE_HEADERS) { $0.u.headers = list } }
            guard let error = try client.with({ rd_kafka_produceva($0, arguments.baseAddress, count) }) else { return }
            // "On failure the headers still belong to the application" (rdkafka.h, RD_KAFKA_V_HEADERS).
            if let list { rd_kafka_headers_destroy(list) }
            let failure = KafkaError(consuming: error, "producing a record of \(value?.count ?? 0) bytes")
            if let opaque { Unmanaged<Delivery>.fromOpaque(opaque).release() }
            delivery?.withdrew()
            throw failure
        }
    }

    /// librdkafka takes a null pointer for "none", so an empty buffer needs an address.
    private static func pointer(_ bytes: UnsafeRawBufferPointer?) -> UnsafeMutableRawPointer? {
        bytes.map { UnsafeMutableRawPointer(mutating: $0.baseAddress ?? emptyAddress) }
    }

    private nonisolated(unsafe) static let emptyAddress = UnsafeRawPointer(
        UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1))

    private static func list(_ headers: [(String, [UInt8])]) -> OpaquePointer? {
        let list = rd_kafka_headers_new(headers.count)
        for (name, value) in headers {
            value.withUnsafeBytes { bytes in
                _ = rd_kafka_header_add(list, name, -1, bytes.baseAddress ?? emptyAddress, bytes.count)
            }
        }
        return list
    }
}
