internal import FeatureStore
internal import Generator
internal import Kafka

/// Fills the definitions' topics with the generator's events; the last one is of now, the first --days before.
enum ProduceCommand {
    static func run(_ arguments: Arguments) throws {
        let count = try arguments.int("events", 3_000_000)
        let partitions = try arguments.int("partitions", 8)
        let brokers = try arguments.required("brokers")
        let definitions = try arguments.definitions(store: "unused")
        let shop = try Shop.decoders(definitions)
        let topics = definitions.streams.map(\.topic)
        try makeTopics(topics, partitions: partitions, brokers: brokers)
        let producer = try Producer(configuration: [
            "bootstrap.servers": brokers, "linger.ms": "20", "queue.buffering.max.messages": "200000",
            "queue.buffering.max.kbytes": "131072",
        ])
        defer { producer.close() }
        var generator = ShopGenerator(try Shop.options(arguments, events: count, endingAt: Store.now()))
        var event = GeneratedEvent()
        var bytes = 0
        let cost = try Cost.of {
            for sent in 0..<count {
                generator.next(into: &event)
                try event.customer.withUnsafeBytes { key in
                    try event.payload.withUnsafeBytes { value in
                        try producer.produce(topic: topics[shop.stream(of: event.kind)], key: key, value: value)
                    }
                }
                bytes += event.payload.count
                if sent % 1_000 == 0 { producer.poll() }
            }
            let left = producer.flush(timeoutMilliseconds: 120_000)
            guard left == 0, producer.deliveryFailures == 0 else {
                let reason = producer.lastError.map { ": \($0)" } ?? ""
                throw Arguments.Problem("\(left + producer.deliveryFailures) records were not delivered\(reason)")
            }
        }
        print("""
            produce: \(thousands(Double(count))) events of \(bytes / count) bytes to \(topics.joined(separator: ", ")), \
            \(partitions) partitions each, in \(fixed(cost.wall, 1)) s
            """)
    }

    static func makeTopics(_ topics: [String], partitions: Int, brokers: String) throws {
        let admin = try Admin(configuration: ["bootstrap.servers": brokers])
        defer { admin.close() }
        let counts = try admin.createTopics(topics.map { .init(name: $0, partitions: partitions) })
        for topic in topics where counts[topic] != partitions {
            throw Arguments.Problem("topic \(topic) has \(counts[topic] ?? 0) partitions, not \(partitions): delete it first")
        }
    }
}
