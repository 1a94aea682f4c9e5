internal import FeatureStore
internal import Kafka
internal import Synchronization

/// Sends records that could not be understood to their stream's dead-letter topic, with the reason and the source position in
/// headers. Shared by all shards.
///
/// A batch's dead letters are delivered before its positions are committed, so none is lost in a crash; one may come twice.
final class DeadLetters: Sendable {
    private let producer: Producer
    private let failuresSeen = Mutex(0)
    /// How long a batch waits for the delivery of its dead letters.
    static let deliveryTimeoutMilliseconds = 10_000

    init(_ producer: Producer) { self.producer = producer }

    func send(_ record: Record, of stream: StreamDefinition, to topic: String, reason: DropReason, error: String) throws {
        func header(_ name: String, _ text: String) -> (String, [UInt8]) { ("millrace.\(name)", Array(text.utf8)) }
        try producer.produce(
            topic: topic, partition: nil, key: record.key, value: record.value,
            headers: [
                header("reason", "\(reason)"), header("error", error), header("stream", stream.name),
                header("topic", stream.topic), header("partition", "\(record.partition)"),
                header("offset", "\(record.offset)"),
            ],
            timestampMilliseconds: record.timestampMicros >= 0 ? record.timestampMicros / 1000 : nil)
    }

    /// Tells the brokers of a compacted topic that what is under a key may go.
    func forget(_ key: UnsafeRawBufferPointer, in topic: String) throws {
        try producer.produce(topic: topic, partition: nil, key: key, value: nil)
    }

    /// Waits for the delivery of what was sent. Returns how many failed since the last call, and why.
    func flush() -> (failed: Int, reason: String?) {
        let waiting = producer.flush(timeoutMilliseconds: Self.deliveryTimeoutMilliseconds)
        let failures = Int(producer.deliveryFailures)
        let fresh = failuresSeen.withLock { seen in
            defer { seen = failures }
            return failures - seen
        }
        if waiting > 0 { return (fresh + waiting, "not delivered within \(Self.deliveryTimeoutMilliseconds / 1000) s") }
        return (fresh, fresh > 0 ? producer.lastError?.description : nil)
    }
}
