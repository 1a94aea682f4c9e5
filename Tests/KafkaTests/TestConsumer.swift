import Foundation
import Kafka
import Synchronization

/// A consumer that keeps what it gets: copies of records, the order of the handlers, errors.
final class TestConsumer: Sendable {
    struct Copy: Equatable, Sendable {
        var topic: String
        var partition: Int
        var offset: Int64
        var key: String?
        var value: String?
    }

    struct Log: Sendable {
        var records: [Copy] = []
        var events: [String] = []
        var errors: [KafkaError] = []
        var assigned: [TopicPartition] = []
    }

    struct Refused: Error {}

    let consumer: Consumer
    private let log: LogBox

    final class LogBox: Sendable {
        let content = Mutex(Log())
    }

    init(
        _ bootstrap: String, group: String = "g-\(UUID().uuidString)", topics: [String], extra: [String: String] = [:],
        starts: [TopicPartition: StartPosition]? = nil, otherwise: StartPosition? = .beginning, refuse: Bool = false
    ) throws {
        let log = LogBox()
        self.log = log
        let configuration = [
            "bootstrap.servers": bootstrap, "group.id": group, "session.timeout.ms": "6000", "heartbeat.interval.ms": "500",
        ].merging(extra) { $1 }
        consumer = try Consumer(
            configuration: configuration, topics: topics,
            onAssign: { partitions in
                log.content.withLock {
                    $0.events.append("assign \(partitions.count)")
                    $0.assigned += partitions
                }
                if refuse { throw Refused() }
                return partitions.reduce(into: [:]) { $0[$1] = starts?[$1] ?? otherwise ?? .committed }
            },
            onRevoke: { partitions in
                log.content.withLock {
                    $0.events.append("revoke \(partitions.count)")
                    $0.assigned.removeAll(where: partitions.contains)
                }
            },
            onError: { error in log.content.withLock { $0.errors.append(error) } })
    }

    var records: [Copy] { log.content.withLock { $0.records } }
    var events: [String] { log.content.withLock { $0.events } }
    var errors: [KafkaError] { log.content.withLock { $0.errors } }
    var assigned: [TopicPartition] { log.content.withLock { $0.assigned } }

    /// Polls until the condition holds; `false` if it does not within the time.
    @discardableResult
    func poll(seconds: Double = 20, max: Int = 1000, until isDone: (Log) -> Bool) throws -> Bool {
        let deadline = Date().addingTimeInterval(seconds)
        while true {
            if log.content.withLock({ isDone($0) }) { return true }
            if Date() > deadline { return false }
            try consumer.poll(max: max, timeoutMilliseconds: 50) { record in
                let copy = Copy(
                    topic: consumer.topics[record.topicOrdinal], partition: record.partition, offset: record.offset,
                    key: record.key.map { String(decoding: $0, as: UTF8.self) },
                    value: record.value.map { String(decoding: $0, as: UTF8.self) })
                log.content.withLock { content in
                    content.records.append(copy)
                    if content.events.last != "records" { content.events.append("records") }
                }
                record.destroy()
            }
        }
    }

    /// Polls for a while, for things that must not happen.
    func poll(forSeconds seconds: Double) throws { try poll(seconds: seconds) { _ in false } }
}

extension Producer {
    func send(
        _ topic: String, partition: Int? = nil, key: String? = nil, _ value: String?, headers: [(String, [UInt8])] = [],
        timestampMilliseconds: Int64? = nil
    ) throws {
        func with(_ text: String?, _ body: (UnsafeRawBufferPointer?) throws -> Void) rethrows {
            guard let text else { return try body(nil) }
            try Array(text.utf8).withUnsafeBytes { try body($0) }
        }
        try with(key) { key in
            try with(value) { value in
                try produce(
                    topic: topic, partition: partition, key: key, value: value, headers: headers,
                    timestampMilliseconds: timestampMilliseconds)
            }
        }
    }
}
