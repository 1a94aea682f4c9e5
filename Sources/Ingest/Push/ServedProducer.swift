public import FeatureStore
internal import Kafka

/// Produces copies of answers in the background. What does not fit in its queue is left out, so that nobody waits. Thread-safe.
public final class ServedProducer: Sendable {
    private let polled: PolledProducer

    private static let flushMilliseconds = 5_000

    public init(_ kafka: KafkaSettings) throws {
        var configuration = SourceTopics.producerConfiguration(kafka)
        configuration["linger.ms"] = configuration["linger.ms"] ?? "50"
        configuration["queue.buffering.max.kbytes"] = configuration["queue.buffering.max.kbytes"] ?? "65536"
        polled = PolledProducer(try Producer(configuration: configuration, queueFullTimeoutMilliseconds: 0), thread: "served")
    }

    /// Records that were taken and could not be delivered.
    public var failures: Int { polled.producer.deliveryFailures }

    public func start() { polled.start() }

    /// Sends what is queued, then disconnects.
    public func stop() { polled.stop(flushMilliseconds: Self.flushMilliseconds) }

    /// Queues a copy; false: there is no room.
    public func take(_ topic: String, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        do throws(KafkaError) {
            try polled.producer.produce(topic: topic, key: key, value: value)
            return true
        } catch {
            return false
        }
    }
}
