public import FeatureStore
internal import JSONBytes
internal import Kafka

/// Produces erasures to their topic, and answers when the brokers have them. Thread-safe.
///
/// Every partition gets a record, because every shard may have something: an entity's row lies in one of them, but events that were produced
/// to another partition than their key's, and entities that topics are not partitioned by, may have left some in others.
public final class EraseProducer: Sendable {
    private let topic: String
    private let polled: PolledProducer

    public init(_ kafka: KafkaSettings, topic: String) throws {
        self.topic = topic
        polled = try PolledProducer(reporting: kafka, forced: ["acks": "all"], thread: "erase")
    }

    public func start() { polled.start() }
    public func stop() { polled.stop(flushMilliseconds: PolledProducer.deliveryMilliseconds) }

    /// How many partitions the topic has. Blocks until a broker answers.
    public func partitionCount() throws -> Int { try polled.partitionCount(topic) }

    /// Erases `keys` of `entity`: returns the newest record of each partition, once all are acknowledged by all replicas.
    public func erase(_ entity: String, _ keys: [String], receipt: String, partitions: Int) async throws(PushError) -> [SourceOffset] {
        let delivery = try produce(entity, keys, receipt, partitions)
        do throws(KafkaError) { try await delivery.wait() } catch {
            throw .erasure("\(error)")
        }
        return PushProducer.offsets(of: delivery)
    }

    private func produce(_ entity: String, _ keys: [String], _ receipt: String, _ partitions: Int) throws(PushError) -> Delivery {
        let delivery = Delivery()
        var json = JSONWriter()
        for key in keys {
            json.reset()
            json.beginObject()
            json.member("entity", entity)
            json.member("key", key)
            json.member("receipt", receipt)
            json.endObject()
            for partition in 0..<partitions {
                do throws(KafkaError) {
                    try json.withBytes { (value) throws(KafkaError) in
                        try Array(key.utf8).withUnsafeBytesOrError { (key) throws(KafkaError) in
                            try polled.producer.produce(topic: topic, partition: partition, key: key, value: value, delivery: delivery)
                        }
                    }
                } catch {
                    throw .erasure("\(error)")
                }
            }
        }
        return delivery
    }
}
