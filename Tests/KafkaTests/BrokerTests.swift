import Foundation
import Kafka
import Testing

private let bootstrap = ProcessInfo.processInfo.environment["KAFKA_BOOTSTRAP"] ?? ""

/// Against a real broker, when KAFKA_BOOTSTRAP names one (`deploy/broker/broker start` gives one).
@Suite(.enabled(if: !bootstrap.isEmpty, "set KAFKA_BOOTSTRAP to run against a broker"))
struct BrokerTests {
    let topic = "kafka-tests-\(UUID().uuidString)"

    @Test func topicsAreCreatedOnceAndDeleted() throws {
        let admin = try Admin(configuration: ["bootstrap.servers": bootstrap])
        #expect(try admin.createTopics([.init(name: topic, partitions: 3)]) == [topic: 3])
        #expect(try admin.createTopics([.init(name: topic, partitions: 5)]) == [topic: 3])
        #expect(throws: KafkaError.self) { try admin.createTopics([.init(name: "no spaces allowed", partitions: 0)]) }
        try admin.deleteTopics([topic])
        try admin.deleteTopics([topic])
        admin.close()
        #expect(throws: KafkaError.self) { try admin.deleteTopics([topic]) }
    }

    @Test func aGroupReadsEverythingOnceOverAHandOver() throws {
        let admin = try Admin(configuration: ["bootstrap.servers": bootstrap])
        #expect(try admin.createTopics([.init(name: topic, partitions: 8)]) == [topic: 8])
        defer { try? admin.deleteTopics([topic]) }
        let producer = try Producer(configuration: ["bootstrap.servers": bootstrap])
        for index in 0..<20_000 { try producer.send(topic, key: "customer-\(index % 997)", "\(index)") }
        #expect(producer.flush(timeoutMilliseconds: 30_000) == 0)
        #expect(producer.deliveryFailures == 0)

        let group = "g-\(UUID().uuidString)"
        let first = try TestConsumer(bootstrap, group: group, topics: [topic])
        #expect(try first.poll(max: 500) { $0.records.count >= 8_000 })
        var positions: [TopicPartition: Int64] = [:]
        for record in first.records { positions[.init(topic: topic, partition: record.partition)] = record.offset + 1 }
        try first.consumer.commit(positions, asynchronously: false)
        first.consumer.close()

        // Partitions that the first never read have no committed position: they start at the beginning.
        let second = try TestConsumer(
            bootstrap, group: group, topics: [topic],
            starts: Dictionary(uniqueKeysWithValues: (0..<8).map { partition in
                let partition = TopicPartition(topic: topic, partition: partition)
                return (partition, positions[partition].map { .offset($0) } ?? .beginning)
            }))
        #expect(try second.consumer.committed(Array(positions.keys)) == positions)
        let missing = 20_000 - first.records.count
        #expect(try second.poll(seconds: 30) { $0.records.count >= missing })
        try second.poll(forSeconds: 0.5)
        let values = (first.records + second.records).compactMap { $0.value.flatMap { Int($0) } }
        #expect(values.sorted() == Array(0..<20_000))
        #expect(second.errors == [])
        for partition in 0..<8 {
            let partition = TopicPartition(topic: topic, partition: partition)
            let own = second.records.filter { $0.partition == partition.partition }
            guard let last = own.last else { continue }
            #expect(second.consumer.cachedWatermarks(partition)?.high == last.offset + 1)
        }
        second.consumer.close()
    }

    @Test func anUnknownTopicIsNamedWithARemedy() throws {
        let consumer = try TestConsumer(bootstrap, topics: [topic])
        #expect(try consumer.poll { log in
            log.errors.contains { $0.topicPartition?.topic == topic && "\($0)".contains("Create the topic") }
        })
    }
}
