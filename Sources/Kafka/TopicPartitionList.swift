internal import CRdKafka

/// Owns one of librdkafka's lists of partitions.
struct TopicPartitionList: ~Copyable {
    let handle: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(capacity: Int) {
        handle = rd_kafka_topic_partition_list_new(Int32(clamping: capacity))
    }

    /// A list of partitions with the offset of each.
    init(_ offsets: some Collection<(key: TopicPartition, value: Int64)>) throws(KafkaError) {
        self.init(capacity: offsets.count)
        for (partition, offset) in offsets { try add(partition, offset: offset) }
    }

    init(_ partitions: some Collection<TopicPartition>) throws(KafkaError) {
        self.init(capacity: partitions.count)
        for partition in partitions { try add(partition, offset: Int64(RD_KAFKA_OFFSET_INVALID)) }
    }

    deinit { rd_kafka_topic_partition_list_destroy(handle) }

    private borrowing func add(_ partition: TopicPartition, offset: Int64) throws(KafkaError) {
        let number = try partition.number()
        rd_kafka_topic_partition_list_add(handle, partition.topic, number).pointee.offset = offset
    }

    /// The first error among the entries, if any.
    borrowing func firstError() -> KafkaError? {
        entries(of: handle).first { $0.err != RD_KAFKA_RESP_ERR_NO_ERROR }.map { KafkaError($0.err, at: TopicPartition($0)) }
    }
}

/// The entries of a list that someone else owns.
func entries(
    of list: UnsafePointer<rd_kafka_topic_partition_list_t>
) -> UnsafeBufferPointer<rd_kafka_topic_partition_t> {
    UnsafeBufferPointer(start: list.pointee.elems, count: Int(list.pointee.cnt))
}

extension TopicPartition {
    init(_ entry: rd_kafka_topic_partition_t) {
        self.init(topic: String(cString: entry.topic), partition: Int(entry.partition))
    }

    /// The partition as librdkafka takes it.
    func number() throws(KafkaError) -> Int32 {
        guard let number = Int32(exactly: partition), number >= 0 else {
            throw KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, "no such partition number", at: self)
        }
        return number
    }
}

extension StartPosition {
    /// The offset or the special value that librdkafka takes.
    var librdkafkaOffset: Int64 {
        switch self {
        case .offset(let offset): max(0, offset)
        case .beginning: Int64(RD_KAFKA_OFFSET_BEGINNING)
        case .end: Int64(RD_KAFKA_OFFSET_END)
        case .committed: Int64(RD_KAFKA_OFFSET_INVALID)
        }
    }
}
