internal import Foundation
internal import Ingest
internal import Logging

/// Puts ingest's notices into the log.
struct NoticeLog {
    let logger: Logger

    func log(_ notice: IngestNotice) {
        switch notice {
        case .assigned(let shards): logger.notice("assigned shards \(list(shards))")
        case .revoked(let shards): logger.notice("closed shards \(list(shards))")
        case .stopped(let shard, let reason): logger.error("shard \(shard) stopped: \(reason)")
        case .retrying(let shard, let reason): logger.error("shard \(shard) cannot commit and tries again every 2 s: \(reason)")
        case .resumed(let shard): logger.notice("shard \(shard) commits again")
        case .generation(let shard, let message): logger.notice("shard \(shard): \(message)")
        case .notWritable(let shard, let reason):
            logger.error("shard \(shard) cannot be written, is served as it is and opened again every 2 s: \(reason)")
        case .waitingForBrokers(let reason, let seconds, let shards):
            logger.warning("no broker answers, trying again in \(seconds) s; serving \(shards) shards as they are on the disk: \(reason)")
        case .brokersAnswered: logger.notice("a broker answers: reading begins")
        case .partitionMismatch(let stream, let key, let expected, let actual):
            logger.error("""
                stream `\(stream)`: the event of key \(key) is in partition \(actual), but `partitioner` puts the key in \(expected), \
                where lookups will search it. Set the `partitioner` that the producers use, or `partitioned: false`
                """)
        case .deadLetterFailed(let topic, let reason): logger.error("dead letter to `\(topic)` failed: \(reason)")
        case .kafka(let message, let isError): logger.log(level: isError ? .warning : .info, "kafka: \(message)")
        case .warning(let message): logger.warning("\(message)")
        }
    }

    private func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: ", ") }
}

extension Logger {
    /// To standard error, at the level of MILLRACE_LOG_LEVEL.
    static func millrace(_ label: String, _ level: Logger.Level? = nil) -> Logger {
        var logger = Logger(label: label) { StreamLogHandler.standardError(label: $0) }
        let named = ProcessInfo.processInfo.environment["MILLRACE_LOG_LEVEL"].flatMap { Logger.Level(rawValue: $0) }
        logger.logLevel = level ?? named ?? .info
        return logger
    }
}
