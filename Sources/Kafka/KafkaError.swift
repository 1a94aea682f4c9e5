internal import CRdKafka

/// What went wrong between this process and Kafka, where, and what to do about it. Never holds a secret of the configuration.
public struct KafkaError: Error, Equatable, Sendable, CustomStringConvertible {
    /// librdkafka's code: negative ones are its own (`Local: ...`), positive ones are the broker's.
    public var code: Int32
    /// The code's name, such as `OFFSET_OUT_OF_RANGE` or `_TRANSPORT`.
    public var name: String
    public var message: String
    /// The partition and the offset it is about, if it is about one.
    public var topicPartition: TopicPartition?
    public var offset: Int64?
    /// The client cannot go on: close it and make a new one.
    public var isFatal: Bool
    /// Trying again later may help; librdkafka mostly does so by itself.
    public var isRetriable: Bool

    init(
        _ code: rd_kafka_resp_err_t, _ message: String? = nil, at topicPartition: TopicPartition? = nil, offset: Int64? = nil,
        isFatal: Bool = false, isRetriable: Bool? = nil
    ) {
        self.code = code.rawValue
        name = rd_kafka_err2name(code).map { String(cString: $0) } ?? "\(code.rawValue)"
        self.message = message ?? rd_kafka_err2str(code).map { String(cString: $0) } ?? "unknown error"
        (self.topicPartition, self.offset, self.isFatal) = (topicPartition, offset, isFatal)
        self.isRetriable = isRetriable ?? Self.retriable.contains(code.rawValue)
    }

    /// Takes over librdkafka's error object.
    init(consuming error: OpaquePointer, _ prefix: String) {
        self.init(
            rd_kafka_error_code(error), "\(prefix): \(String(cString: rd_kafka_error_string(error)))",
            isFatal: rd_kafka_error_is_fatal(error) != 0, isRetriable: rd_kafka_error_is_retriable(error) != 0)
        rd_kafka_error_destroy(error)
    }

    /// The end of a partition was reached: news, not a fault (only with `enable.partition.eof`).
    public var isPartitionEnd: Bool { code == RD_KAFKA_RESP_ERR__PARTITION_EOF.rawValue }

    /// The offset to start from is not in the log: it was deleted by retention, or the topic was recreated.
    public var isOffsetOutOfRange: Bool {
        code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE.rawValue || code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET.rawValue
            || code == RD_KAFKA_RESP_ERR__NO_OFFSET.rawValue
    }

    /// The brokers do not know the topic, or no longer.
    public var isUnknownTopic: Bool {
        code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART.rawValue || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC.rawValue
            || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION.rawValue
    }

    /// The partition is not being read, so there is nothing to seek in: librdkafka has given it up after an error of its position.
    public var isNotReading: Bool { code == RD_KAFKA_RESP_ERR__STATE.rawValue }

    /// No broker can be reached; librdkafka goes on trying.
    public var isUnreachable: Bool { code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN.rawValue }

    public var description: String {
        var text = "Kafka: \(message) (\(name))"
        if let topicPartition { text += " at \(topicPartition)" }
        if let offset, offset >= 0 { text += " offset \(offset)" }
        if let remedy { text += ". \(remedy)" }
        return text
    }

    private var remedy: String? {
        switch rd_kafka_resp_err_t(rawValue: code) {
        case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__TIMED_OUT:
            """
            Check that bootstrap.servers and the brokers' advertised listeners are reachable from here, and that \
            security.protocol fits.
            """
        case RD_KAFKA_RESP_ERR__RESOLVE:
            "Check the host names in bootstrap.servers and in the brokers' advertised listeners."
        case RD_KAFKA_RESP_ERR__SSL:
            "Check ssl.ca.location, the client certificate, and that the port speaks TLS."
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
            "Check sasl.mechanisms, sasl.username and sasl.password."
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
             RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
            "Grant this user the right in Kafka's ACLs."
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
            "Create the topic, or correct its name in the configuration."
        case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR__NO_OFFSET:
            """
            The log does not hold this position (retention, or a recreated topic): rebuild the state from the log's beginning \
            or a snapshot; nothing was skipped.
            """
        case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
            "The application polled too rarely: raise max.poll.interval.ms or make the batches smaller."
        case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
            "The group is rebalancing; the positions will be committed again."
        case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, RD_KAFKA_RESP_ERR__FENCED:
            "Another process uses the same group.instance.id: give each its own."
        case RD_KAFKA_RESP_ERR__QUEUE_FULL:
            "The broker takes records more slowly than they are produced: slow down, or raise queue.buffering.max.messages."
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
            "Raise message.max.bytes here and max.message.bytes of the topic, or send smaller records."
        default:
            nil
        }
    }

    private static let retriable: Set<Int32> = Set([
        RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__TIMED_OUT,
        RD_KAFKA_RESP_ERR__RESOLVE, RD_KAFKA_RESP_ERR__QUEUE_FULL, RD_KAFKA_RESP_ERR__WAIT_COORD,
        RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_NOT_COORDINATOR, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
    ].map(\.rawValue))
}

/// Throws unless the code is "no error".
func check(_ code: rd_kafka_resp_err_t, _ what: @autoclosure () -> String) throws(KafkaError) {
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
    throw KafkaError(code, "\(what()): \(rd_kafka_err2str(code).map { String(cString: $0) } ?? "unknown error")")
}
