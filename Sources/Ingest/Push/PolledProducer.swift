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
