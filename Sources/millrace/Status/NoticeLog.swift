internal import Ingest
internal import Logging

/// Puts ingest's notices into the log. Neither keys of entities nor values of events are ever in it.
struct NoticeLog {
    let logger: Logger

    func log(_ notice: IngestNotice) {
        switch notice {
        case .assigned(let shards):
            logger.event("shards_assigned", .notice, "assigned shards \(list(shards))", ["shards": numbers(shards)])
        case .revoked(let shards): logger.event("shards_closed", .notice, "closed shards \(list(shards))", ["shards": numbers(shards)])
        case .closedBehind(let shard, let reason):
            logger.event(
                "shard_closed_behind", .warning, "the newest events of shard \(shard) were not written before it was closed, and are read from Kafka again: \(reason)",
                ["shard": number(shard), "reason": .string(reason)])
        case .stopped(let shard, let reason):
            logger.event("shard_stopped", .error, "shard \(shard) stopped: \(reason)", ["shard": number(shard), "reason": .string(reason)])
        case .retrying(let shard, let reason):
            logger.event(
                "shard_retrying", .error, "shard \(shard) cannot commit and tries again every 2 s: \(reason)",
                ["shard": number(shard), "reason": .string(reason)])
        case .resumed(let shard): logger.event("shard_resumed", .notice, "shard \(shard) commits again", ["shard": number(shard)])
        case .generation(let shard, let message): logger.event("generation", .notice, "shard \(shard): \(message)", ["shard": number(shard)])
        case .notWritable(let shard, let reason):
            logger.event(
                "shard_not_writable", .error, "shard \(shard) cannot be written, is served as it is and opened again every 2 s: \(reason)",
                ["shard": number(shard), "reason": .string(reason)])
        case .waitingForBrokers(let reason, let seconds, let shards):
            logger.event(
                "brokers_unreachable", .warning,
                "no broker answers, trying again in \(seconds) s; serving \(shards) shards as they are on the disk: \(reason)",
                ["retry_seconds": number(seconds), "shards_served": number(shards), "reason": .string(reason)])
        case .brokersAnswered: logger.event("brokers_answered", .notice, "a broker answers: reading begins")
        case .partitionMismatch(let stream, let expected, let actual):
            logger.event(
                "partition_mismatch", .error,
                """
                stream `\(stream)`: an event is in partition \(actual), but `partitioner` puts its key in \(expected), \
                where lookups will search it. Set the `partitioner` that the producers use, or `partitioned: false`
                """,
                ["stream": .string(stream), "partition": number(actual), "expected_partition": number(expected)])
        case .deadLetterFailed(let topic, let reason):
            logger.event("dead_letter_failed", .error, "dead letter to `\(topic)` failed: \(reason)", ["topic": .string(topic), "reason": .string(reason)])
        case .kafka(let message, let isError): logger.event("kafka", isError ? .warning : .info, "kafka: \(message)")
        case .warning(let message): logger.event("warning", .warning, message)
        }
    }

    private func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: ", ") }
    private func number(_ number: Int) -> Logger.Metadata.Value { .stringConvertible(number) }
    private func numbers(_ numbers: [Int]) -> Logger.Metadata.Value { .array(numbers.map { .stringConvertible($0) }) }
}
