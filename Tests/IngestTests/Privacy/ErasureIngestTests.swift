import FeatureStore
import Foundation
import Ingest
import Kafka
import TestSupport
import Testing

/// Erasures over librdkafka's mock cluster: read before events by whoever reads topics anew, and before lookups by whoever opens an old shard.
@Suite struct ErasureIngestTests {
    private let cluster: MockCluster
    private let directory = TemporaryDirectory()

    init() throws {
        cluster = try MockCluster()
        try cluster.createTopic("clicks", partitions: 2)
        try cluster.createTopic("erasures", partitions: 2)
    }

    private func definitions(_ path: String) -> Definitions {
        var store = StoreSettings()
        store.directory = path
        store.initialMapBytes = 1 << 20
        var kafka = KafkaSettings()
        kafka.brokers = cluster.bootstrapServers
        kafka.assignment = .static
        var definitions = Definitions(
            name: "shop", entities: [.init(name: "customer")],
            streams: [.init(
                name: "clicks", topic: "clicks", keys: [.init(entity: "customer", path: .init("c"))], time: .init(path: nil, format: .kafka),
                idPath: .init("id"), fields: [.init(name: "word", type: .string)])],
            views: [.init(
                name: "v", entity: "customer", stream: "clicks",
                features: [
                    .init(name: "n", aggregation: .count(field: nil), window: .lifetime), .init(name: "w", aggregation: .last(field: "word"), window: .lifetime),
                ])],
            store: store, kafka: kafka)
        definitions.privacy.erasures = ErasureSettings(topic: "erasures")
        definitions.privacy.erasures?.entities = ["customer"]
        definitions.privacy.erasures?.purgeWithin = .seconds(1)
        return definitions.withErasureStream()
    }

    private func click(_ customer: String, _ ids: Range<Int>, word: String = "shoes") throws {
        let producer = try Producer(configuration: ["bootstrap.servers": cluster.bootstrapServers])
        for id in ids {
            let value = #"{"c":"\#(customer)","id":"\#(customer)\#(id)","word":"\#(word)"}"#
            try Array(customer.utf8).withUnsafeBytes { key in
                try Array(value.utf8).withUnsafeBytes { try producer.produce(topic: "clicks", key: key, value: $0) }
            }
        }
        #expect(producer.flush(timeoutMilliseconds: 20_000) == 0)
    }

    private func erase(_ definitions: Definitions, _ customers: String...) async throws {
        let producer = try EraseProducer(definitions.kafka, topic: "erasures")
        producer.start()
        defer { producer.stop() }
        let offsets = try await producer.erase("customer", customers, receipt: "r", partitions: try producer.partitionCount())
        #expect(offsets.map(\.partition) == [0, 1])
    }

    private func count(_ store: Store, _ customer: String) -> Value? {
        guard let plan = try? store.plan(features: ["n"]) else { return nil }
        return Array(customer.utf8).withUnsafeBytes { try? store.lookup(plan, key: $0, asOf: Store.now()).values[0].value }
    }

    @Test func `a rebuild writes nothing of whom was erased, and verify agrees`() async throws {
        let definitions = definitions(directory.path)
        try click("ann", 0..<200, word: "a-rare-word")
        try click("bob", 0..<100)
        try await erase(definitions, "ann")
        try click("ann", 200..<210, word: "a-rare-word")
        try rebuild(definitions)
        let files = try FileManager.default.subpathsOfDirectory(atPath: directory.path).filter { $0.hasSuffix("data.mdb") }
        #expect(files.count == 2)
        for file in files {
            let bytes = try Data(contentsOf: URL(filePath: directory.path + "/" + file))
            #expect(bytes.range(of: Data("a-rare-word".utf8)) == nil && bytes.range(of: Data("ann".utf8)) == nil, "\(file)")
        }
        let store = Store(definitions)
        store.setPartitionCounts(["clicks": 2, "erasures": 2])
        for number in 0..<2 { _ = try store.openShard(number) }
        #expect(count(store, "bob") == .int(100) && count(store, "ann") == .null)
        #expect(store.shards.reduce(0) { $0 + $1.counts[0][.erased] } == 210 && store.shards.allSatisfy { $0.counts[1].applied == 1 })
        store.closeAll()
        let verification = Verification(definitions: definitions, descriptorSets: [nil, nil]) { _ in }
        let outcome = try #require(try verification.run(scratch: directory.path + "/verify", limit: 5, allowsGaps: false))
        #expect(outcome.isEqual)
    }

    /// Apart, because blocking work has no place in an asynchronous function.
    private func rebuild(_ definitions: Definitions) throws {
        let outcome = try Rebuild(definitions: definitions, descriptorSets: [nil, nil]) { _ in }.run(allowsGaps: false)
        #expect(outcome.isComplete && outcome.shards == 2)
    }

    @Test func `an old copy is brought up to date before anybody reads it, and purged`() async throws {
        let definitions = definitions(directory.path + "/data")
        try click("ann", 0..<50, word: "a-rare-word")
        try click("bob", 0..<50)
        try run(definitions) { store in #expect(eventually(30) { count(store, "ann") == .int(50) && count(store, "bob") == .int(50) }) }
        try FileManager.default.copyItem(atPath: directory.path + "/data", toPath: directory.path + "/old")
        try await erase(definitions, "ann")
        try click("bob", 50..<60)
        try run(definitions) { store in
            #expect(eventually(30) { count(store, "bob") == .int(60) })
            #expect(count(store, "ann") == .null)
        }
        try FileManager.default.removeItem(atPath: directory.path + "/data")
        try FileManager.default.moveItem(atPath: directory.path + "/old", toPath: directory.path + "/data")
        try run(definitions) { store in
            var seen: [Value?] = []
            #expect(eventually(30) {
                if let value = count(store, "ann") { seen.append(value) }
                return count(store, "bob") == .int(60)
            })
            #expect(!seen.isEmpty && seen.allSatisfy { $0 == .null }, "an old copy answered \(seen)")
            #expect(eventually(30) { (try? store.erasure(receipt: "r")?.outcome) == .purged })
            for file in try FileManager.default.subpathsOfDirectory(atPath: directory.path + "/data") where file.hasSuffix("data.mdb") {
                let bytes = try Data(contentsOf: URL(filePath: directory.path + "/data/" + file))
                #expect(bytes.range(of: Data("a-rare-word".utf8)) == nil && bytes.range(of: Data("ann".utf8)) == nil, "\(file)")
            }
        }
    }

    private func run(_ definitions: Definitions, _ body: (Store) throws -> Void) throws {
        let store = Store(definitions)
        let ingest = IngestService(store: store, descriptorSets: [nil, nil]) { _ in }
        try ingest.start()
        defer {
            ingest.stop()
            store.closeAll()
        }
        try body(store)
    }

    @Test func `the topic of erasures has as many partitions as the largest`() throws {
        try cluster.createTopic("few", partitions: 1)
        var definitions = definitions(directory.path)
        definitions.privacy.erasures?.topic = "few"
        definitions.streams[1].topic = "few"
        #expect { _ = try Rebuild(definitions: definitions, descriptorSets: [nil, nil]) { _ in } } throws: { error in
            "\(error)".contains("`few` has 1 partitions, `clicks` has 2")
        }
    }
}
