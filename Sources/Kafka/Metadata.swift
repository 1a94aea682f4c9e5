internal import CRdKafka

/// Asks the cluster for the number of partitions of each topic; one that does not exist is left out.
///
/// All topics are asked for, because a request for a single one may create it.
func readPartitionCounts(
    _ client: OpaquePointer, _ topics: [String], timeoutMilliseconds: Int
) throws(KafkaError) -> [String: Int] {
    var answer: UnsafePointer<rd_kafka_metadata>?
    let code = rd_kafka_metadata(client, 1, nil, &answer, Int32(clamping: timeoutMilliseconds))
    try check(code, "asking the cluster for its topics")
    guard let answer else { return [:] }
    defer { rd_kafka_metadata_destroy(answer) }
    let wanted = Set(topics)
    var counts: [String: Int] = [:]
    for topic in UnsafeBufferPointer(start: answer.pointee.topics, count: Int(answer.pointee.topic_cnt)) {
        let name = String(cString: topic.topic)
        guard wanted.contains(name), topic.err == RD_KAFKA_RESP_ERR_NO_ERROR, topic.partition_cnt > 0 else { continue }
        counts[name] = Int(topic.partition_cnt)
    }
    return counts
}
