internal import FeatureStore
internal import Kafka

/// The bare consumption that ingest is held against: librdkafka's batches through the same `Kafka.Consumer`, every record looked at
/// only to be destroyed. The rate counts from the first records on: connecting is not what is measured. The CPU time counts from
/// the start.
enum ConsumeBenchmark {
    static func run(_ arguments: Arguments, _ results: Results) throws {
        let brokers = try arguments.required("brokers")
        let expected = try arguments.int("expect", 0)
        let topics = try arguments.definitions(store: "unused").streams.map(\.topic)
        let admin = try Admin(configuration: ["bootstrap.servers": brokers])
        let counts = try admin.partitionCounts(topics)
        admin.close()
        var starts: [TopicPartition: StartPosition] = [:]
        for (topic, count) in counts {
            for partition in 0..<count { starts[TopicPartition(topic: topic, partition: partition)] = .beginning }
        }
        let allocated = Allocations.count
        let before = Cost.now()
        let consumer = try Consumer(
            configuration: ["bootstrap.servers": brokers], assigning: starts, onError: { print("consume: \($0)") })
        var received = 0, bytes = 0
        var idle = 0
        var first: (time: Double, count: Int)?
        while received < expected {
            let count = try consumer.poll(max: 10_000, timeoutMilliseconds: 100) { record in
                bytes += record.byteCount
                record.destroy()
            }
            received += count
            if first == nil, count > 0 { first = (Cost.now().wall, count) }
            idle = count == 0 ? idle + 1 : 0
            if idle > 100 { throw Arguments.Problem("only \(received) of \(expected) records came within 10 s") }
        }
        let cost = Cost.now() - before
        let calls = allocated.flatMap { before in Allocations.count.map { Double($0 - before) / Double(received) } }
        consumer.close()
        let rate = Double(received - (first?.count ?? 0)) / (before.wall + cost.wall - (first?.time ?? 0))
        let each = cost.cpu / Double(received) * 1e6
        print("""
            consume: \(thousands(rate)) messages/s, \(fixed(each)) µs CPU a message \
            (\(thousands(Double(received))) messages, \(bytes >> 20) MiB, \(fixed(cost.wall)) s)\(calls.map { ", \(fixed($0)) allocations a message" } ?? "")
            """)
        results.add("consume.rate", rate)
        results.add("consume.cpu_us", each)
        if let calls { results.add("consume.allocations", calls) }
    }
}
