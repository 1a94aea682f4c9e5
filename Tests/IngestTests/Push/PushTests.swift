import FeatureStore
import Foundation
import Ingest
import Kafka
import Synchronization
import TestSupport
import Testing

/// Pushes over librdkafka's mock cluster: what is produced, what is refused, what is answered.
@Suite struct PushTests {
    private static let topic = "scores"
    private static let now: Int64 = 1_764_600_000_000_000

    private func definitions(_ brokers: String, time: EventTime.Format = .epochMicroseconds) throws -> Definitions {
        var definitions = try Definitions.load(
            yaml: """
                version: 1
                name: shop
                entities: {customer: {}}
                pushed:
                  model:
                    entity: customer
                    topic: \(Self.topic)
                    time: {path: at, format: \(time.rawValue)}
                    features:
                      score: double
                      segment: string
                      taste: {type: vector, dimension: 2}
                      exact: {type: vector, dimension: 2, scale: 3}
                      price: {type: decimal, scale: 2}
                      visits: int64
                      vip: bool

                """, file: "shop.yaml")
        definitions.kafka.brokers = brokers
        return definitions
    }

    private func records(_ cluster: MockCluster, count: Int) throws -> [(partition: Int, key: String, value: String)] {
        var records: [(partition: Int, key: String, value: String)] = []
        let reader = try Consumer(
            configuration: ["bootstrap.servers": cluster.bootstrapServers],
            assigning: Dictionary(uniqueKeysWithValues: (0..<4).map { (TopicPartition(topic: Self.topic, partition: $0), .beginning) }),
            onError: { Issue.record("\($0)") })
        let deadline = Date().addingTimeInterval(10)
        while records.count < count, Date() < deadline {
            try reader.poll(max: 100, timeoutMilliseconds: 100) { record in
                records.append((
                    record.partition, record.key.map { String(decoding: $0, as: UTF8.self) } ?? "",
                    record.value.map { String(decoding: $0, as: UTF8.self) } ?? ""))
                record.destroy()
            }
        }
        return records
    }

    @Test(arguments: [EventTime.Format.epochMicroseconds, .epochMilliseconds, .epochSeconds, .rfc3339])
    func `rows are produced by key and come back the same`(format: EventTime.Format) async throws {
        let cluster = try MockCluster()
        try cluster.createTopic(Self.topic, partitions: 4)
        let definitions = try definitions(cluster.bootstrapServers, time: format)
        let producer = try PushProducer(definitions)
        producer.start()
        let at = switch format {
        case .rfc3339: "\"2025-12-01T14:40:00.000001Z\""
        case .epochMilliseconds: "1764600000000.001"
        case .epochSeconds: "1764600000.000001"
        default: "1764600000000001"
        }
        let rows = [
            #"{"customer":"a","at":\#(at),"score":0.1,"segment":"l\u00f6yal","taste":[1e-7,2],"exact":[0.5,-1],"price":12.5,"visits":-3,"vip":true}"#,
            #"{"customer":7,"score":-0.0}"#,
        ]
        let offsets = try await producer.push(
            rows.enumerated().map { PushRow(json: Array($1.utf8), hasTime: $0 == 0) }, stream: 0, partitions: 4, now: Self.now)
        producer.stop()
        let records = try records(cluster, count: 2)
        for record in records {
            let key = Array(record.key.utf8)
            #expect(record.partition == key.withUnsafeBytes { Partitioner.murmur2.partition(of: $0, count: 4) })
            #expect(offsets.contains { $0.partition == record.partition })
        }
        // What is in the topic decodes to the row that was pushed.
        let decoder = try EventDecoder(stream: definitions.streams[0], index: 0, descriptorSet: nil)
        let batch = EventBatch()
        let values = try records.sorted { $0.key > $1.key }.map { record in
            let bytes = batch.store(byteCount: record.value.utf8.count)
            bytes.copyBytes(from: record.value.utf8)
            guard case .event = decoder.decode(UnsafeRawBufferPointer(bytes), recordTime: -1, into: batch) else {
                throw UnexpectedRecord(text: record.value)
            }
            return batch.events[batch.eventCount - 1]
        }
        #expect(values.map(\.time) == [Self.now + 1, Self.now])
        let first = batch.values + Int(values[0].firstValue), second = batch.values + Int(values[1].firstValue)
        #expect(Double(bitPattern: UInt64(bitPattern: first[1].word)) == 0.1)
        #expect(String(decoding: first[2].bytes, as: UTF8.self) == "löyal")
        #expect((0..<2).map { Double(bitPattern: first[3].bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self)) } == [1e-7, 2])
        #expect((0..<2).map { first[4].bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self) } == [500, -1000])
        #expect([first[5].word, first[6].word, first[7].word] == [1250, -3, 1])
        #expect(String(decoding: second[0].bytes, as: UTF8.self) == "7" && second[1].word == 0 && second[2].isNull)
    }

    private struct UnexpectedRecord: Error { var text: String }

    @Test func `one wrong row refuses all of them`() async throws {
        let cluster = try MockCluster()
        try cluster.createTopic(Self.topic, partitions: 4)
        let producer = try PushProducer(try definitions(cluster.bootstrapServers))
        producer.start()
        let good = PushRow(json: Array(#"{"customer":"a","score":1}"#.utf8), hasTime: false)
        for wrong in [#"{"score":1}"#, #"{"customer":"a","score":"x"}"#, #"{"customer":"a","taste":[1]}"#, #"{"customer":"a","score":1e999}"#] {
            let error = await #expect(throws: PushError.self) {
                try await producer.push(
                    [good, PushRow(json: Array(wrong.utf8), hasTime: false)], stream: 0, partitions: 4, now: Self.now)
            }
            if case .row(let number, let what)? = error { #expect(number == 1 && !what.isEmpty) } else { Issue.record("\(error as Any)") }
        }
        let late = PushRow(json: Array(#"{"customer":"a","at":1764700000000000,"score":1}"#.utf8), hasTime: true)
        await #expect(throws: PushError.self) { try await producer.push([good, late], stream: 0, partitions: 4, now: Self.now) }
        let offsets = try await producer.push([good], stream: 0, partitions: 4, now: Self.now)
        #expect(offsets.map(\.offset) == [0], "nothing of the refused ones is in the topic")
        producer.stop()
    }

    @Test func `a push that no broker acknowledges fails`() async throws {
        let cluster = try MockCluster()
        try cluster.createTopic(Self.topic, partitions: 4)
        var definitions = try definitions(cluster.bootstrapServers)
        definitions.kafka.properties["message.timeout.ms"] = "5000"
        let producer = try PushProducer(definitions)
        producer.start()
        let row = PushRow(json: Array(#"{"customer":"a","score":1}"#.utf8), hasTime: false)
        #expect(try await producer.push([row], stream: 0, partitions: 4, now: Self.now).count == 1)
        cluster.setBrokersUp(false)
        let error = await #expect(throws: PushError.self) { try await producer.push([row], stream: 0, partitions: 4, now: Self.now) }
        if case .delivery(let what)? = error { #expect(what.contains("TIMED_OUT")) } else { Issue.record("\(error as Any)") }
        producer.stop()
    }
}
