internal import FeatureStore
internal import Kafka
internal import Synchronization

/// A producer, and the thread that hears of its deliveries.
final class PolledProducer: Sendable {
    let producer: Producer
    private let name: String
    private let isStopping = Atomic(false)
    private let thread = Mutex<WorkerThread?>(nil)

    private static let pollMilliseconds = 100

    init(_ producer: Producer, thread name: String) {
        self.producer = producer
        self.name = name
    }

    /// How long a record is tried before its delivery fails, where each is reported.
    static let deliveryMilliseconds = 10_000

    /// One that reports every delivery. `forced`: what is set whatever the settings say.
    convenience init(reporting kafka: KafkaSettings, forced: [String: String] = [:], thread name: String) throws {
        var configuration = SourceTopics.producerConfiguration(kafka).merging(forced) { _, forced in forced }
        configuration["delivery.report.only.error"] = "false"
        configuration["linger.ms"] = configuration["linger.ms"] ?? "1"
        configuration["message.timeout.ms"] = configuration["message.timeout.ms"] ?? "\(Self.deliveryMilliseconds)"
        self.init(try Producer(configuration: configuration, queueFullTimeoutMilliseconds: Self.deliveryMilliseconds), thread: name)
    }

    /// How many partitions a topic has. Blocks until a broker answers.
    func partitionCount(_ topic: String) throws -> Int {
        guard let count = try producer.partitionCounts([topic])[topic] else { throw IngestError.missingTopics([topic]) }
        return count
    }

    func start() {
        let worker = WorkerThread(name) { [unowned self] in
            while !isStopping.load(ordering: .relaxed) { producer.poll(milliseconds: Self.pollMilliseconds) }
        }
        thread.withLock { $0 = worker }
    }

    /// Waits so long for what is under way, then disconnects.
    func stop(flushMilliseconds: Int) {
        isStopping.store(true, ordering: .relaxed)
        thread.withLock { $0.take() }?.join()
        producer.flush(timeoutMilliseconds: flushMilliseconds)
        producer.close()
    }
}
