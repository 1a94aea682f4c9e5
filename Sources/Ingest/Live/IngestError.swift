public import Kafka

/// Why ingest cannot start, or a shard cannot go on.
public enum IngestError: Error, CustomStringConvertible {
    case missingTopics([String])
    case unequalPartitions(entity: String, String, Int, String, Int)
    case positionGone(TopicPartition, offset: Int64, oldest: Int64?)
    case logShorter(TopicPartition, offset: Int64, end: Int64)
    case topicGone(String, offset: Int64)

    public var description: String {
        switch self {
        case .missingTopics(let topics):
            """
            the brokers have no topic named \(topics.map { "`\($0)`" }.joined(separator: ", ")). Create it, correct its name in the \
            definitions file, or start with --create-topics PARTITIONS to try things out.
            """
        case .unequalPartitions(let entity, let first, let firstCount, let second, let secondCount):
            """
            topics `\(first)` (\(firstCount) partitions) and `\(second)` (\(secondCount)) are both keyed by \(entity), but a \(entity) \
            would lie in different shards of them. Give them the same number of partitions, or say `partitioned: false` for one.
            """
        case .positionGone(let partition, let offset, let oldest):
            """
            \(partition.topic)[\(partition.partition)]: the shard goes on at offset \(offset), which the topic does not have\
            \(oldest.map { " (its oldest is \($0))" } ?? ""): records have expired unread, or the topic was made anew. Delete this shard's \
            directory to rebuild it from what the topic still has, or restore a copy that is newer.
            """
        case .logShorter(let partition, let offset, let end):
            """
            \(partition.topic)[\(partition.partition)]: the shard has read up to offset \(offset), but the log ends at \(end): the topic was made \
            anew, or its newest records were lost. Nothing of the new log was read. Delete this shard's directory to rebuild it from what the \
            topic has now.
            """
        case .topicGone(let topic, let offset):
            """
            topic `\(topic)` no longer exists; the shard had read it up to offset \(offset). Its rows are served as they are. Create the topic and \
            delete this shard's directory to rebuild it, or take the stream out of the definitions file.
            """
        }
    }
}
