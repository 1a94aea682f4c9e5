public import Kafka

/// Why ingest cannot start, or a shard cannot go on.
public enum IngestError: Error, CustomStringConvertible {
    case missingTopics([String])
    case unequalPartitions(entity: String, String, Int, String, Int)
    case erasurePartitions(String, Int, String, Int)
    /// The first records of these partitions are gone; each with its oldest offset.
    case beginningGone([(TopicPartition, oldest: Int64)])
    /// The same, where nothing can be compared with.
    case unverifiable([(TopicPartition, oldest: Int64)])
    /// A partition that should have records gave none.
    case silent(TopicPartition)
    case shardStopped(Int, reason: String)
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
        case .erasurePartitions(let topic, let count, let other, let otherCount):
            """
            the topic of erasures `\(topic)` has \(count) partitions, `\(other)` has \(otherCount): an erasure has to reach every shard. Give it as \
            many partitions as the topic that has the most.
            """
        case .beginningGone(let gaps):
            """
            the topics no longer have their first records (retention): \(Self.list(gaps)). What is built from the rest knows nothing of before: windows \
            that reach back that far answer `warming`, lifetime windows for ever. Say --allow-gaps if that is what you want, or build from \
            logs that go back further with `millrace backfill`.
            """
        case .unverifiable(let gaps):
            """
            the topics no longer have their first records (retention): \(Self.list(gaps)). The live rows were made with them, so a rebuild must \
            differ. Say --allow-gaps to see where all the same.
            """
        case .silent(let partition):
            "\(partition) should have records, but gave none within 60 s. Check the brokers."
        case .shardStopped(let shard, let reason):
            "shard \(shard) cannot go on: \(reason)"
        case .positionGone(let partition, let offset, let oldest):
            """
            \(partition.topic)[\(partition.partition)]: the shard goes on at offset \(offset), which the topic does not have\
            \(oldest.map { " (its oldest is \($0))" } ?? ""): records have expired unread, or the topic was made anew. Run `millrace rebuild`: it \
            builds the shard from what the topic still has, and the server adopts it; or restore a copy that is newer.
            """
        case .logShorter(let partition, let offset, let end):
            """
            \(partition.topic)[\(partition.partition)]: the shard has read up to offset \(offset), but the log ends at \(end): the topic was made \
            anew, or its newest records were lost. Nothing of the new log was read. Run `millrace rebuild`: it builds the shard from what the \
            topic has now, and the server adopts it.
            """
        case .topicGone(let topic, let offset):
            """
            topic `\(topic)` no longer exists; the shard had read it up to offset \(offset). Its rows are served as they are. Create the topic \
            and run `millrace rebuild`, or take the stream out of the definitions file.
            """
        }
    }
    private static func list(_ gaps: [(TopicPartition, oldest: Int64)]) -> String {
        gaps.map { "\($0.0) begins at offset \($0.oldest)" }.joined(separator: ", ")
    }
}
