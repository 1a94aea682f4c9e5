import FeatureStore
import Foundation
import Ingest
import Kafka
import TestSupport
import Testing

/// Backfill and then live over librdkafka's mock cluster: the same rows as live alone, wherever the one hands over to the other.
@Suite struct HandOverTests {
    private static let partitions = 2
    private let cluster: MockCluster
    private let directory = FileManager.default.temporaryDirectory.appending(path: "millrace-hand-over-\(UUID().uuidString)")

    init() throws {
        cluster = try MockCluster()
        try cluster.createTopic("views", partitions: Self.partitions)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    /// A stream without ids: whatever is taken twice counts twice.
    private func definitions(_ store: String, start: KafkaSettings.Start = .earliest) -> Definitions {
        var settings = StoreSettings()
        settings.directory = directory.appending(path: store).path
        settings.initialMapBytes = 1 << 20
        var kafka = KafkaSettings()
        kafka.brokers = cluster.bootstrapServers
        kafka.assignment = .static
        kafka.start = start
        return Definitions(
            name: "test", entities: [.init(name: "customer")],
            streams: [.init(
                name: "views", topic: "views", keys: [.init(entity: "customer", path: .init("customer"))],
                time: .init(path: .init("time"), format: .epochSeconds), fields: [.init(name: "page", type: .string)])],
            views: [.init(
                name: "v", entity: "customer", stream: "views",
                features: [
                    .init(name: "n", aggregation: .count(field: nil), window: .lifetime),
                    .init(name: "n_1h", aggregation: .count(field: nil), window: .sliding(length: .hours(1), hop: .minutes(1))),
                    .init(name: "pages", aggregation: .countBy(by: "page", maxKeys: 8), window: .lifetime),
                ])],
            store: settings, kafka: kafka)
    }

    private struct Event {
        var partition: Int
        var offset: Int64
        var json: String
        var time: Int
    }

    /// Times go up and down a little.
    private func events(_ count: Int, _ random: inout SeededGenerator) -> [Event] {
        var offsets = Array(repeating: Int64(0), count: Self.partitions)
        return (0..<count).map { n in
            let customer = "c\(random.below(20))", time = 1_700_000_000 + n * 7 - random.below(60)
            let partition = Array(customer.utf8).withUnsafeBytes { Partitioner.murmur2.partition(of: $0, count: Self.partitions) }
            defer { offsets[partition] += 1 }
            return Event(
                partition: partition, offset: offsets[partition],
                json: #"{"customer":"\#(customer)","time":\#(time),"page":"p\#(random.below(5))"}"#, time: time)
        }
    }

    private func produce(_ events: [Event]) throws {
        let producer = try Producer(configuration: ["bootstrap.servers": cluster.bootstrapServers])
        for event in events {
            try Array(event.json.utf8).withUnsafeBytes { try producer.produce(topic: "views", partition: event.partition, key: nil, value: $0) }
        }
        #expect(producer.flush(timeoutMilliseconds: 20_000) == 0)
        #expect(producer.deliveryFailures == 0)
    }

    /// Reads until every shard is at the end; its rows, and what was dropped before the cut-over.
    private func live(_ definitions: Definitions, until ends: [Int64]) async throws -> (rows: [[String: [UInt8]]], before: UInt64) {
        let store = Store(definitions)
        let service = IngestService(store: store, descriptorSets: [nil]) { _ in }
        try service.start()
        defer {
            service.stop()
            store.closeAll()
        }
        let deadline = ContinuousClock.now + .seconds(60)
        while !ends.indices.allSatisfy({ n in store.shards.contains { $0.number == n && $0.nextOffset(stream: 0) ?? 0 >= ends[n] } }) {
            try #require(ContinuousClock.now < deadline, "the live stream did not come to its end")
            try await Task.sleep(for: .milliseconds(20))
        }
        let rows = try store.shards.map { shard in try Self.rows(shard) }
        return (rows, store.shards.reduce(0) { $0 + $1.counts[0][.beforeCutover] })
    }

    private static func rows(_ shard: Shard) throws -> [String: [UInt8]] {
        var rows: [String: [UInt8]] = [:]
        try shard.forEachRow(entity: 0) { key, row in
            rows[String(decoding: key, as: UTF8.self)] = Array(row)
            return true
        }
        return rows
    }

    private func backfill(_ definitions: Definitions, _ lines: [String], until: Int64? = nil) throws {
        let file = directory.appending(path: "log-\(UUID().uuidString).ndjson")
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
        let options = Backfill.Options(
            logs: LogOptions(paths: [file.path], stream: "views", threads: 2, until: until), partitions: Self.partitions)
        let outcome = try Backfill(definitions: definitions, descriptorSets: [nil], options: options).run()
        #expect(outcome.isComplete && outcome.adopted == Self.partitions)
    }

    @Test func handsOverByOffsetAndByTime() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        var random = SeededGenerator(seed: 21)
        let events = events(1_500, &random)
        try produce(events)
        var ends = Array(repeating: Int64(0), count: Self.partitions)
        for event in events { ends[event.partition] = event.offset + 1 }
        let reference = try await live(definitions("live"), until: ends)
        #expect(reference.before == 0)
        #expect(reference.rows.reduce(0) { $0 + $1.count } == 20)

        for round in 0..<3 {
            // (a) The log ends somewhere and says its offsets; the live stream goes on there, though it would start at the end.
            let end = random.below(events.count)
            let byOffset = definitions("offset-\(round)", start: .latest)
            try backfill(byOffset, events[..<end].map {
                #"{"topic":"views","partition":\#($0.partition),"offset":\#($0.offset),"timestamp_ms":1800000000000,"value":\#($0.json)}"#
            })
            // A partition that the log says nothing of starts as the definitions say.
            if Set(events[..<end].map(\.partition)).count == Self.partitions {
                #expect(try await live(byOffset, until: ends).rows == reference.rows)
            }

            // (b) The log has everything and no offsets: each side takes its half.
            let middle = 1_700_000_000 + random.below(events.count * 7)
            let byTime = definitions("time-\(round)", start: .latest)
            try backfill(byTime, events.map(\.json), until: Int64(middle) * 1_000_000)
            let both = try await live(byTime, until: ends)
            #expect(both.rows == reference.rows)
            #expect(both.before == UInt64(events.count { $0.time < middle }))
        }
    }
}
