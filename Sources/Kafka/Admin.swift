internal import CRdKafka

/// Creates and deletes topics. Each call waits for the cluster's answer; use it at the start, not in a hot path.
public final class Admin: Sendable {
    /// A topic to create.
    public struct NewTopic: Hashable, Sendable {
        public var name: String
        public var partitions: Int
        /// `nil` takes the broker's default.
        public var replicationFactor: Int?
        /// The topic's own settings, such as `cleanup.policy`.
        public var settings: [String: String]

        public init(name: String, partitions: Int, replicationFactor: Int? = nil, settings: [String: String] = [:]) {
            (self.name, self.partitions, self.replicationFactor, self.settings) = (name, partitions, replicationFactor, settings)
        }
    }

    private let client: Client
    private let session: ProducerSession
    private let timeoutMilliseconds: Int

    /// - Parameters:
    ///   - configuration: librdkafka's properties; those of consumers only are ignored by librdkafka with a line in its log.
    ///   - timeoutMilliseconds: for each call.
    public init(
        configuration: [String: String], timeoutMilliseconds: Int = 30_000, log: LogHandler? = nil
    ) throws(KafkaError) {
        let prepared = try Configuration(configuration, defaults: [:])
        session = ProducerSession(onError: { _ in }, log: log, redactor: prepared.redactor)
        prepared.configure { ProducerSession.install(on: $0) }
        client = Client(try prepared.makeClient(RD_KAFKA_PRODUCER, opaque: Unmanaged.passUnretained(session).toOpaque()))
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    deinit { close() }

    public func close() { client.close { _ in } }

    /// Creates what is missing; a topic that exists already is left as it is.
    ///
    /// - Returns: the number of partitions that each of the topics really has, which differs from the wish if it existed before.
    public func createTopics(_ topics: [NewTopic]) throws(KafkaError) -> [String: Int] {
        let names = topics.map(\.name)
        for topic in topics {
            try perform { client, options, queue throws(KafkaError) in
                var text = [CChar](repeating: 0, count: 512)
                let replicas = topic.replicationFactor ?? -1
                guard topic.partitions > 0, let new = rd_kafka_NewTopic_new(
                    topic.name, Int32(clamping: topic.partitions), Int32(clamping: replicas), &text, text.count)
                else {
                    throw KafkaError(
                        RD_KAFKA_RESP_ERR__INVALID_ARG,
                        "creating topic \"\(topic.name)\" with \(topic.partitions) partitions: \(string(of: text))")
                }
                defer { rd_kafka_NewTopic_destroy(new) }
                for (name, value) in topic.settings { rd_kafka_NewTopic_set_config(new, name, value) }
                var list: OpaquePointer? = new
                rd_kafka_CreateTopics(client, &list, 1, options, queue)
            } result: { event, count in
                rd_kafka_event_CreateTopics_result(event).flatMap { rd_kafka_CreateTopics_result_topics($0, &count) }
            } isFine: { $0 == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS }
        }
        // The answer to CreateTopics may come before the topic is in every broker's metadata.
        var counts: [String: Int] = [:]
        for _ in 0..<50 {
            counts = try partitionCounts(names)
            if counts.count == Set(names).count { return counts }
            try client.with { _ = rd_kafka_poll($0, 100) }
        }
        let missing = Set(names).subtracting(counts.keys).sorted().joined(separator: ", ")
        throw KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, "the cluster took \(missing) but does not list it")
    }

    /// Deletes topics; one that does not exist is fine.
    public func deleteTopics(_ names: [String]) throws(KafkaError) {
        for name in names {
            try perform { client, options, queue throws(KafkaError) in
                var list = rd_kafka_DeleteTopic_new(name)
                defer { rd_kafka_DeleteTopic_destroy(list) }
                rd_kafka_DeleteTopics(client, &list, 1, options, queue)
            } result: { event, count in
                rd_kafka_event_DeleteTopics_result(event).flatMap { rd_kafka_DeleteTopics_result_topics($0, &count) }
            } isFine: { $0 == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART }
        }
    }

    /// The number of partitions of each topic. A topic that does not exist is left out.
    public func partitionCounts(_ topics: [String]) throws(KafkaError) -> [String: Int] {
        let answer = try client.with { client in
            Result { () throws(KafkaError) in
                try readPartitionCounts(client, topics, timeoutMilliseconds: timeoutMilliseconds)
            }
        }
        return try answer.get()
    }

    /// Sends one request and waits for its result.
    private func perform(
        _ send: (_ client: OpaquePointer, _ options: OpaquePointer?, _ queue: OpaquePointer?) throws(KafkaError) -> Void,
        result: (OpaquePointer?, inout Int) -> UnsafeMutablePointer<OpaquePointer?>?, isFine: (rd_kafka_resp_err_t) -> Bool
    ) throws(KafkaError) {
        let outcome = try client.with { client in
            Result { () throws(KafkaError) in
                let options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_ANY)
                defer { rd_kafka_AdminOptions_destroy(options) }
                rd_kafka_AdminOptions_set_request_timeout(options, Int32(clamping: timeoutMilliseconds), nil, 0)
                let queue = rd_kafka_queue_new(client)
                defer { rd_kafka_queue_destroy(queue) }
                try send(client, options, queue)
                guard let event = rd_kafka_queue_poll(queue, Int32(clamping: timeoutMilliseconds + 1000)) else {
                    throw KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, "the cluster did not answer")
                }
                defer { rd_kafka_event_destroy(event) }
                let code = rd_kafka_event_error(event)
                guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                    throw KafkaError(code, rd_kafka_event_error_string(event).map { String(cString: $0) })
                }
                var count = 0
                guard let results = result(event, &count) else { return }
                for index in 0..<count {
                    let code = rd_kafka_topic_result_error(results[index])
                    guard code != RD_KAFKA_RESP_ERR_NO_ERROR, !isFine(code) else { continue }
                    let name = rd_kafka_topic_result_name(results[index]).map { String(cString: $0) } ?? ""
                    let text = rd_kafka_topic_result_error_string(results[index]).map { String(cString: $0) } ?? ""
                    throw KafkaError(code, "topic \(name): \(text)")
                }
            }
        }
        try outcome.get()
    }
}
