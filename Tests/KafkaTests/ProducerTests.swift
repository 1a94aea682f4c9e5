import Foundation
import Kafka
import Synchronization
import Testing

struct ProducerTests {
    @Test func equalKeysGoWhereJavaClientsPutThem() throws {
        let cluster = try MockCluster()
        try cluster.createTopic("clicks", partitions: 8)
        let producer = try Producer(configuration: ["bootstrap.servers": cluster.bootstrapServers])
        // Kafka's own test vectors of Utils.murmur2 (UtilsTest): "21" -> -973932308, "foobar" -> -790332482, "abc" -> 479470107.
        let hashes: [String: Int32] = ["21": -973_932_308, "foobar": -790_332_482, "abc": 479_470_107]
        for key in hashes.keys { try producer.send("clicks", key: key, "x") }
        #expect(producer.flush(timeoutMilliseconds: 10_000) == 0)
        let reader = try Consumer(
            configuration: ["bootstrap.servers": cluster.bootstrapServers],
            assigning: Dictionary(uniqueKeysWithValues: (0..<8).map { (TopicPartition(topic: "clicks", partition: $0), .beginning) }),
            onError: { Issue.record("\($0)") })
        var partitions: [String: Int] = [:]
        let deadline = Date().addingTimeInterval(10)
        while partitions.count < 3, Date() < deadline {
            try reader.poll(max: 10, timeoutMilliseconds: 100) { record in
                partitions[record.key.map { String(decoding: $0, as: UTF8.self) } ?? ""] = record.partition
                record.destroy()
            }
        }
        #expect(partitions == hashes.mapValues { Int($0 & 0x7fff_ffff) % 8 })
    }

    @Test func aFailedDeliveryIsCountedAndNamed() throws {
        let cluster = try MockCluster()
        try cluster.createTopic("clicks", partitions: 1)
        let producer = try Producer(configuration: [
            "bootstrap.servers": cluster.bootstrapServers, "enable.idempotence": "false", "message.timeout.ms": "1500",
        ])
        try producer.send("clicks", "fine")
        #expect(producer.flush(timeoutMilliseconds: 10_000) == 0)
        cluster.setBrokersUp(false)
        for _ in 0..<3 { try producer.send("clicks", "lost") }
        #expect(producer.pendingCount >= 3)
        #expect(producer.flush(timeoutMilliseconds: 10_000) == 0)
        #expect(producer.deliveryFailures == 3)
        #expect(producer.lastError?.name == "_MSG_TIMED_OUT")
        #expect(producer.lastError?.topicPartition?.topic == "clicks")
    }

    @Test func aFullQueueWaitsAndThenThrows() throws {
        let cluster = try MockCluster()
        try cluster.createTopic("clicks", partitions: 1)
        let producer = try Producer(
            configuration: ["bootstrap.servers": cluster.bootstrapServers, "queue.buffering.max.messages": "10"],
            queueFullTimeoutMilliseconds: 200)
        for _ in 0..<500 { try producer.send("clicks", "x") }  // far more than fit, so it waits for room
        #expect(producer.flush(timeoutMilliseconds: 10_000) == 0)
        cluster.setBrokersUp(false)
        #expect { for _ in 0..<11 { try producer.send("clicks", "x") } } throws: { error in
            (error as? KafkaError)?.name == "_QUEUE_FULL" && "\(error)".contains("queue.buffering.max.messages")
        }
    }

    @Test func badArgumentsAreErrors() throws {
        let cluster = try MockCluster()
        try cluster.createTopic("clicks", partitions: 1)
        let producer = try Producer(configuration: ["bootstrap.servers": cluster.bootstrapServers, "message.max.bytes": "2000"])
        for partition in [-1, Int.min, Int.max] {
            #expect(throws: KafkaError.self) { try producer.send("clicks", partition: partition, "x") }
        }
        #expect(throws: KafkaError.self) { try producer.send("", "x") }
        #expect(throws: KafkaError.self) { try producer.send("clicks", String(repeating: "x", count: 10_000)) }
        producer.close()
        producer.close()
        #expect(throws: KafkaError.self) { try producer.send("clicks", "x") }
        #expect(producer.flush(timeoutMilliseconds: 10) == 0)
    }

    @Test func configurationErrorsNameThePropertyAndNeverASecret() {
        #expect { _ = try Producer(configuration: ["no.such.property": "1"]) } throws: { "\($0)".contains("no.such.property") }
        #expect { _ = try Producer(configuration: ["acks": "many"]) } throws: { "\($0)".contains("acks") }
        let secret = "hunter2-\(UUID().uuidString)"
        let said = Mutex("")
        for configuration in [
            ["sasl.password": secret, "linger.ms": secret],
            ["sasl.password": secret, "security.protocol": "sasl_plaintext", "sasl.mechanisms": secret],
            ["ssl.key.password": secret, "ssl.key.pem": secret, "security.protocol": "ssl"],
            ["sasl.oauthbearer.config": secret, "sasl.mechanisms": "OAUTHBEARER", "security.protocol": "sasl_plaintext"],
        ] {
            do {
                let producer = try Producer(
                    configuration: configuration.merging(["bootstrap.servers": "127.0.0.1:1", "debug": "all"]) { $1 },
                    onError: { error in said.withLock { $0 += "\(error)" } }, log: { _, _, text in said.withLock { $0 += text } })
                Thread.sleep(forTimeInterval: 0.3)
                producer.poll()
            } catch {
                said.withLock { $0 += "\(error)" }
            }
        }
        #expect(said.withLock { !$0.isEmpty && !$0.contains(secret) })
    }
}
