internal import CRdKafka

/// librdkafka's mock cluster: brokers inside this process, on random ports of the loopback interface. For tests and benchmarks only.
///
/// It keeps at most about 5 MB a partition (older records go silently), knows no admin requests, and a first join takes 3 seconds.
public final class MockCluster: @unchecked Sendable {
    private let owner: OpaquePointer
    private let cluster: OpaquePointer

    public init(brokers: Int = 1) throws {
        let configuration = rd_kafka_conf_new()
        rd_kafka_conf_set_log_cb(configuration, nil)
        var text = [CChar](repeating: 0, count: 512)
        guard let owner = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, &text, text.count) else {
            throw KafkaError(rd_kafka_last_error(), string(of: text))
        }
        guard let cluster = rd_kafka_mock_cluster_new(owner, Int32(brokers)) else {
            rd_kafka_destroy(owner)
            throw KafkaError(rd_kafka_last_error(), "starting the mock cluster")
        }
        (self.owner, self.cluster) = (owner, cluster)
    }

    deinit {
        rd_kafka_mock_cluster_destroy(cluster)
        rd_kafka_destroy(owner)
    }

    /// For `bootstrap.servers`.
    public var bootstrapServers: String { String(cString: rd_kafka_mock_cluster_bootstraps(cluster)) }

    public func createTopic(_ name: String, partitions: Int) throws {
        try check(rd_kafka_mock_topic_create(cluster, name, Int32(partitions), 1), "creating topic \(name)")
    }

    /// Lets the next requests of one kind fail with these codes, in order.
    ///
    /// - Parameter apiKey: the protocol's number of the request: 0 Produce, 1 Fetch, 8 OffsetCommit, ...
    package func fail(apiKey: Int16, with codes: [Int32]) {
        let errors = codes.map { rd_kafka_resp_err_t(rawValue: $0) }
        rd_kafka_mock_push_request_errors_array(cluster, apiKey, errors.count, errors)
    }

    package func setBrokersUp(_ isUp: Bool) {
        _ = isUp ? rd_kafka_mock_broker_set_up(cluster, -1) : rd_kafka_mock_broker_set_down(cluster, -1)
    }
}
