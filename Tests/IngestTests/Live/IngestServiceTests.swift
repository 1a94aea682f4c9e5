import FeatureStore
import Foundation
import Ingest
import Kafka
import Synchronization
import TestSupport
import Testing

/// Ingest against librdkafka's mock cluster: what happens when brokers and logs are not as they should be.
struct IngestServiceTests {
    private let directory = TemporaryDirectory()
    private let cluster: MockCluster
    private let notices = Notices()

    init() throws {
        cluster = try MockCluster()
        try cluster.createTopic("clicks", partitions: 2)
    }

    private final class Notices: Sendable {
        private let list = Mutex<[IngestNotice]>([])
        func add(_ notice: IngestNotice) { list.withLock { $0.append(notice) } }
        func contains(_ test: (IngestNotice) -> Bool) -> Bool { list.withLock { $0.contains(where: test) } }
    }

    private func definitions(waiting: Int = 256 << 20) -> Definitions {
        var store = StoreSettings()
        store.directory = directory.path
        store.initialMapBytes = 1 << 20
        store.maxWaitingBytes = waiting
        var kafka = KafkaSettings()
        kafka.brokers = cluster.bootstrapServers
        kafka.assignment = .static
        kafka.properties = ["reconnect.backoff.max.ms": "500"]
        return Definitions(
            name: "shop", entities: [.init(name: "customer")],
            streams: [.init(
                name: "clicks", topic: "clicks", keys: [.init(entity: "customer", path: .init("c"))],
                time: .init(path: nil, format: .kafka), idPath: .init("id"), partitioned: false, fields: [])],
            views: [ViewDefinition(
                name: "v", entity: "customer", stream: "clicks", filter: nil,
                features: [.init(name: "n", aggregation: .count(field: nil), window: .lifetime)])],
            store: store, kafka: kafka)
    }

    private func produce(_ ids: Range<Int>, partition: Int = 0, padding: Int = 0, to other: MockCluster? = nil) throws {
        let producer = try Producer(configuration: ["bootstrap.servers": (other ?? cluster).bootstrapServers])
        for id in ids {
            let value = #"{"c":"ann","id":"\#(id)","pad":"\#(String(repeating: "x", count: padding))"}"#
            try Array(value.utf8).withUnsafeBytes {
                try producer.produce(topic: "clicks", partition: partition, key: nil, value: $0, headers: [], timestampMilliseconds: nil)
            }
        }
        #expect(producer.flush(timeoutMilliseconds: 20_000) == 0)
    }

    private func service(_ store: Store) -> IngestService {
        IngestService(store: store, descriptorSets: [nil]) { [notices] in notices.add($0) }
    }

    private func count(_ store: Store) -> Value? {
        guard let plan = try? store.plan(features: ["n"]) else { return nil }
        return Array("ann".utf8).withUnsafeBytes { try? store.lookup(plan, key: $0, asOf: Store.now()).values[0].value }
    }

    /// A first run, which leaves a store behind.
    private func readOnce(expecting events: Int64) throws {
        let store = Store(definitions())
        let ingest = service(store)
        try ingest.start()
        #expect(eventually(30) { count(store) == .int(events) })
        ingest.stop()
        store.closeAll()
    }

    @Test func withoutABrokerTheDiskIsServedAndReadingBeginsWhenOneAnswers() throws {
        try produce(0..<10)
        try readOnce(expecting: 10)
        cluster.setBrokersUp(false)
        let store = Store(definitions())
        let ingest = service(store)
        let failure = Mutex<String?>(nil), group = DispatchGroup()
        group.enter()
        Thread.detachNewThread {
            do { try ingest.start() } catch { failure.withLock { $0 = "\(error)" } }
            group.leave()
        }
        #expect(eventually(20) { notices.contains { if case .waitingForBrokers(_, _, 2) = $0 { true } else { false } } })
        #expect(count(store) == .int(10))
        #expect(store.shardStatuses().map(\.state) == [.disconnected, .disconnected])
        #expect(store.shardStatuses().allSatisfy { $0.lagEvents == nil })
        #expect(!store.isAssigned)
        #expect(!ingest.metrics.snapshot().isConnected)
        cluster.setBrokersUp(true)
        try produce(10..<15)
        #expect(eventually(40) { count(store) == .int(15) })
        #expect(eventually(10) { store.shardStatuses().map(\.state) == [.open, .open] && ingest.metrics.snapshot().isConnected })
        group.wait()
        #expect(failure.withLock { $0 } == nil)
        ingest.stop()
        store.closeAll()
    }

    @Test func waitingForABrokerEndsWhenAsked() throws {
        cluster.setBrokersUp(false)
        let store = Store(definitions())
        let ingest = service(store)
        let group = DispatchGroup()
        group.enter()
        Thread.detachNewThread {
            try? ingest.start()
            group.leave()
        }
        #expect(eventually(20) { notices.contains { if case .waitingForBrokers = $0 { true } else { false } } })
        ingest.interrupt()
        #expect(group.wait(timeout: .now() + 10) == .success)
        ingest.stop()
    }

    @Test func aMissingTopicAndAnUnknownPropertyAreErrorsAtOnce() throws {
        var wrong = definitions()
        wrong.streams[0].topic = "absent"
        #expect { try service(Store(wrong)).start() } throws: { "\($0)".contains("no topic named `absent`") }
        wrong = definitions()
        wrong.kafka.properties["fetch.wait.max.mss"] = "1"
        #expect { try service(Store(wrong)).start() } throws: { "\($0)".contains("fetch.wait.max.mss") }
    }

    @Test func aLogShorterThanWhatWasReadStopsTheShardItsRowsAreServedAndARebuildMendsIt() throws {
        try produce(0..<10)
        try readOnce(expecting: 10)
        // The same name, another log.
        let other = try MockCluster()
        try other.createTopic("clicks", partitions: 2)
        var definitions = definitions()
        definitions.kafka.brokers = other.bootstrapServers
        let store = Store(definitions)
        let ingest = service(store)
        try ingest.start()
        #expect(eventually(20) { store.shardStatuses().first?.state == .stopped })
        let status = store.shardStatuses()[0]
        #expect(status.reason.map { $0.contains("clicks[0]") && $0.contains("offset 10") && $0.contains("millrace rebuild") } == true)
        #expect(store.shardStatuses()[1].state == .open)
        #expect(count(store) == .int(10))

        try produce(20..<23, to: other)
        #expect(!eventually(2) { count(store) != .int(10) }, "nothing of the new log is read")
        #expect(try Rebuild(definitions: definitions, descriptorSets: [nil]) { _ in }.run(allowsGaps: false).isComplete)
        #expect(eventually(20) { store.shardStatuses().map(\.state) == [.open, .open] && count(store) == .int(3) })
        try produce(23..<25, to: other)
        #expect(eventually(20) { count(store) == .int(5) })
        ingest.stop()
        store.closeAll()
    }

    /// Small records, then such as nobody could expect: what does not fit is read again, in order, and nothing is lost or twice.
    @Test(arguments: [1_000, 300_000])
    func theRecordsOfAllShardsStayWithinTheBoundAndAllAreApplied(padding: Int) throws {
        let large = padding > 1_000 ? 14 : 1_000  // The mock cluster keeps about 5 MB of a partition.
        for partition in 0..<2 {
            try produce(partition * 2_000..<partition * 2_000 + 2_000 - large, partition: partition, padding: padding > 1_000 ? 0 : padding)
            try produce(partition * 2_000 + 2_000 - large..<partition * 2_000 + 2_000, partition: partition, padding: padding)
        }
        let store = Store(definitions(waiting: 1 << 20))
        let ingest = service(store)
        try ingest.start()
        var most = 0
        #expect(eventually(60) {
            most = max(most, ingest.metrics.snapshot().heldBytes)
            return count(store) == .int(4_000)
        })
        #expect(most > 100_000 && most <= 1 << 20)
        #expect(store.shards.allSatisfy { $0.nextOffset(stream: 0) == 2_000 && $0.counts[0].applied == 2_000 && $0.counts[0][.duplicate] == 0 })
        ingest.stop()
        store.closeAll()
    }

    @Test func aNextGenerationCatchesUpWithinTheSameBoundWhileTheLiveOneIsServed() throws {
        for partition in 0..<2 { try produce(partition * 2_000..<partition * 2_000 + 2_000, partition: partition, padding: 1_000) }
        let definitions = definitions(waiting: 1 << 20)
        let store = Store(definitions)
        let ingest = service(store)
        try ingest.start()
        #expect(eventually(60) { count(store) == .int(4_000) && ingest.metrics.snapshot().heldBytes == 0 })
        // Complete, and empty: it has everything to catch up with.
        let build = GenerationBuild(definitions, source: "test", partitionCounts: ["clicks": 2])
        for number in 0..<2 {
            _ = try build.open(number)
            try build.complete(number)
        }
        var most = 0, answers: Set<String> = []
        #expect(eventually(60) {
            most = max(most, ingest.metrics.snapshot().heldBytes)
            answers.insert("\(count(store).map { "\($0)" } ?? "none")")
            return notices.contains { if case .generation(0, "the next generation is live") = $0 { true } else { false } }
                && notices.contains { if case .generation(1, "the next generation is live") = $0 { true } else { false } }
        })
        #expect(most > 0 && most <= 1 << 20)
        #expect(answers == ["int(4000)"])
        #expect(count(store) == .int(4_000))
        #expect(store.shards.allSatisfy { $0.nextOffset(stream: 0) == 2_000 && $0.counts[0].applied == 2_000 })
        ingest.stop()
        store.closeAll()
    }
}
