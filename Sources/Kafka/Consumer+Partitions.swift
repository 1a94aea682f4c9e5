internal import CRdKafka

// All of these but `cachedWatermarks` belong to the polling thread.
extension Consumer {
    /// Joins the group and subscribes to the topics; its answer comes by way of `onAssign`, inside a later `poll`.
    public func subscribe() throws(KafkaError) {
        _ = try open("subscribing")
        let list = TopicPartitionList(capacity: topics.count)
        for topic in topics { rd_kafka_topic_partition_list_add(list.handle, topic, RD_KAFKA_PARTITION_UA) }
        try Kafka.check(rd_kafka_subscribe(client, list.handle), "subscribing to \(topics.joined(separator: ", "))")
    }

    /// Reads these partitions, from these positions: all there are for a consumer that does not subscribe, those that the group has
    /// assigned for one that does. Replaces what was read before; `onAssign` and `onRevoke` are not called.
    public func assign(_ starts: [TopicPartition: StartPosition]) throws(KafkaError) {
        let list = try TopicPartitionList(starts.map { (key: $0.key, value: $0.value.librdkafkaOffset) })
        try open("assigning").check(rd_kafka_assign(client, list.handle), list, "assigning \(starts.count) partitions")
    }

    /// Stops the delivery of these partitions until `resume`; the group keeps them with this consumer. Records that were fetched
    /// ahead are dropped and fetched again.
    public func pause(_ partitions: [TopicPartition]) throws(KafkaError) {
        let list = try TopicPartitionList(partitions)
        try open("pausing").check(rd_kafka_pause_partitions(client, list.handle), list, "pausing \(partitions.count) partitions")
    }

    /// Goes on with the record after the last one that `poll` delivered.
    public func resume(_ partitions: [TopicPartition]) throws(KafkaError) {
        let list = try TopicPartitionList(partitions)
        try open("resuming").check(rd_kafka_resume_partitions(client, list.handle), list, "resuming \(partitions.count) partitions")
    }

    /// Goes on reading partitions that are being read from elsewhere. What was fetched before is never delivered after this.
    public func seek(_ starts: [TopicPartition: StartPosition], timeoutMilliseconds: Int = 10_000) throws(KafkaError) {
        guard !starts.isEmpty else { return }
        let list = try TopicPartitionList(starts.map { (key: $0.key, value: $0.value.librdkafkaOffset) })
        _ = try open("seeking")
        if let error = rd_kafka_seek_partitions(client, list.handle, Int32(clamping: timeoutMilliseconds)) {
            throw KafkaError(consuming: error, "seeking in \(starts.count) partitions")
        }
        if let error = list.firstError() { throw error }
    }

    /// Commits positions to the group, where lag tools and partitions without a start position of their own see them.
    ///
    /// - Parameters:
    ///   - positions: of each partition the offset of the *next* record to read.
    ///   - asynchronously: return at once; a failure goes to `onError` in a later poll. Otherwise wait for the coordinator.
    public func commit(_ positions: [TopicPartition: Int64], asynchronously: Bool) throws(KafkaError) {
        guard !positions.isEmpty else { return }
        let list = try TopicPartitionList(positions)
        try open("committing").check(
            rd_kafka_commit(client, list.handle, asynchronously ? 1 : 0), list, "committing \(positions.count) positions")
    }

    /// The group's committed positions; a partition without one is left out.
    public func committed(
        _ partitions: [TopicPartition], timeoutMilliseconds: Int = 10_000
    ) throws(KafkaError) -> [TopicPartition: Int64] {
        let list = try TopicPartitionList(partitions)
        try open("asking for committed positions").check(
            rd_kafka_committed(client, list.handle, Int32(clamping: timeoutMilliseconds)), list, "asking for committed positions")
        return entries(of: list.handle).reduce(into: [:]) { result, entry in
            if entry.offset >= 0 { result[TopicPartition(entry)] = entry.offset }
        }
    }

    /// The oldest offset and the one after the newest, as the last fetch response said; `nil` before the first one. Cheap, no
    /// request, callable from any thread. `high` less the position is the lag.
    public func cachedWatermarks(_ partition: TopicPartition) -> (low: Int64, high: Int64)? {
        guard !isClosed, let number = Int32(exactly: partition.partition) else { return nil }
        var low = Int64(RD_KAFKA_OFFSET_INVALID), high = Int64(RD_KAFKA_OFFSET_INVALID)
        let code = rd_kafka_get_watermark_offsets(client, partition.topic, number, &low, &high)
        return code == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? (max(0, low), high) : nil
    }

    /// The oldest offset and the one after the newest, asked of the broker.
    public func queryWatermarks(
        _ partition: TopicPartition, timeoutMilliseconds: Int = 10_000
    ) throws(KafkaError) -> (low: Int64, high: Int64) {
        _ = try open("asking for watermarks")
        var low: Int64 = 0, high: Int64 = 0
        let code = rd_kafka_query_watermark_offsets(
            client, partition.topic, try partition.number(), &low, &high, Int32(clamping: timeoutMilliseconds))
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(code, at: partition) }
        return (low, high)
    }

    /// The number of partitions of each topic. A topic that does not exist is left out.
    public func partitionCounts(_ topics: [String], timeoutMilliseconds: Int = 10_000) throws(KafkaError) -> [String: Int] {
        _ = try open("asking for metadata")
        return try readPartitionCounts(client, topics, timeoutMilliseconds: timeoutMilliseconds)
    }

    private func open(_ what: String) throws(KafkaError) -> ListCheck {
        guard !isClosed else { throw KafkaError(RD_KAFKA_RESP_ERR__STATE, "\(what) on a closed consumer") }
        return ListCheck()
    }
}

/// Turns the answer of a call on a list into an error: the call's own, or the first of a partition.
private struct ListCheck {
    func check(_ code: rd_kafka_resp_err_t, _ list: borrowing TopicPartitionList, _ what: String) throws(KafkaError) {
        if code != RD_KAFKA_RESP_ERR_NO_ERROR, code != RD_KAFKA_RESP_ERR__PARTIAL { try Kafka.check(code, what) }
        if let error = list.firstError() { throw error }
    }
}
