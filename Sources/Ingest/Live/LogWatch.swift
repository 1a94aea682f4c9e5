internal import FeatureStore
internal import Kafka

/// Logs that are not what they were: one that ends before what was read from it, a topic that is gone.
///
/// Both can be seen for a moment while partitions move between brokers: a new leader, or a follower that is read from, learns the end of the
/// log a little later. So they count only when they last.
struct LogWatch {
    static let patience: Duration = .seconds(3)

    private var shorterSince: [TopicPartition: ContinuousClock.Instant] = [:]
    private var missingSince: [String: ContinuousClock.Instant] = [:]
    private var asked = ContinuousClock.now

    /// Whether the log of `partition` has ended before `next` for long enough.
    mutating func isShorter(_ partition: TopicPartition, end: Int64, next: Int64) -> Bool {
        guard end < next else {
            shorterSince[partition] = nil
            return false
        }
        let since = shorterSince[partition] ?? .now
        shorterSince[partition] = since
        return ContinuousClock.now - since >= Self.patience
    }

    /// The brokers said that they do not know this topic.
    mutating func suspect(_ topic: String) { missingSince[topic] = missingSince[topic] ?? .now }

    /// Suspected topics, once a second: to be asked for.
    mutating func topicsToAsk() -> [String] {
        guard !missingSince.isEmpty, ContinuousClock.now - asked >= .seconds(1) else { return [] }
        asked = .now
        return Array(missingSince.keys)
    }

    /// Takes the answer. True when the topic has been missing for long enough.
    mutating func isGone(_ topic: String, isThere: Bool) -> Bool {
        guard !isThere, let since = missingSince[topic] else {
            missingSince[topic] = nil
            return false
        }
        return ContinuousClock.now - since >= Self.patience
    }

    mutating func forget(_ shards: [Int]) { shorterSince = shorterSince.filter { !shards.contains($0.key.partition) } }
}

extension IngestService {
    /// Tells the shards where the logs end, as the last fetches said, and stops those whose log is not the one they have read.
    func noteEnds() {
        for (number, worker) in workers where !dispatch.isHeld(number) {
            for (index, stream) in definitions.streams.enumerated() {
                let partition = TopicPartition(topic: stream.topic, partition: number)
                guard let marks = consumer.cachedWatermarks(partition), marks.high >= 0 else { continue }
                worker.shard.noteEnd(stream: index, end: marks.high)
                catchingUp[number]?.live.noteEnd(stream: index, end: marks.high)
                guard isConnected, let next = worker.shard.nextOffset(stream: index),
                      watch.isShorter(partition, end: marks.high, next: next) else { continue }
                cannotGoOn(number, .logShorter(partition, offset: next, end: marks.high))
            }
        }
        askForSuspects()
    }

    private func askForSuspects() {
        let topics = watch.topicsToAsk()
        guard !topics.isEmpty, let counts = try? consumer.partitionCounts(topics, timeoutMilliseconds: 1_000) else { return }
        for topic in topics where watch.isGone(topic, isThere: counts[topic] != nil) {
            let index = definitions.streams.firstIndex { $0.topic == topic } ?? 0
            for (number, worker) in workers where assigned.contains(TopicPartition(topic: topic, partition: number)) {
                cannotGoOn(number, .topicGone(topic, offset: worker.shard.nextOffset(stream: index) ?? 0))
            }
        }
    }
}
