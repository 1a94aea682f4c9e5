public import FeatureStore
internal import Kafka
internal import Synchronization

/// Produces copies of answers in the background. What does not fit in its queue is left out, so that nobody waits. Thread-safe.
public final class ServedProducer: Sendable {
    private let producer: Producer
    private let isStopping = Atomic(false)
    private let thread = Mutex<WorkerThread?>(nil)

    private static let pollMilliseconds = 100
    private static let flushMilliseconds = 5_000

    public init(_ kafka: KafkaSettings) throws {
        var configuration = SourceTopics.producerConfiguration(kafka)
        configuration["linger.ms"] = configuration["linger.ms"] ?? "50"
        configuration["queue.buffering.max.kbytes"] = configuration["queue.buffering.max.kbytes"] ?? "65536"
        producer = try Producer(configuration: configuration, queueFullTimeoutMilliseconds: 0)
    }

    /// Records that were taken and could not be delivered.
    public var failures: Int { producer.deliveryFailures }

    public func start() {
        let worker = WorkerThread("served") { [unowned self] in
            while !isStopping.load(ordering: .relaxed) { producer.poll(milliseconds: Self.pollMilliseconds) }
        }
        thread.withLock { $0 = worker }
    }

    /// Sends what is queued, then disconnects.
    public func stop() {
        isStopping.store(true, ordering: .relaxed)
        thread.withLock { $0.take() }?.join()
        producer.flush(timeoutMilliseconds: Self.flushMilliseconds)
        producer.close()
    }

    /// Queues a copy; false: there is no room.
    public func take(_ topic: String, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        do throws(KafkaError) {
            try producer.produce(topic: topic, key: key, value: value)
            return true
        } catch {
            return false
        }
    }
}
