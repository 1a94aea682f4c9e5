internal import FeatureStore
internal import Generator
internal import Glibc
internal import Ingest
internal import Kafka
internal import Synchronization

/// From `produce` to the value in a lookup, while other events flow at a given rate: a probe produces one click of a customer of its
/// own, looks the customer up until the click is there, and begins again.
///
/// The probe, the load and ingest share one process and its cores. The probe produces without `linger.ms`, as one who cares for
/// freshness would.
///
/// With `--only bare` a consumer that does nothing with its records takes the place of ingest, and a probe has arrived when that consumer holds
/// its record: what broker, load and machine take of the time.
///
/// With `--brokers mock` the broker is librdkafka's mock cluster, inside this process: it keeps 5 MB a partition and looks for new records after
/// `fetch.wait.max.ms`, but takes no longer for it however much has gone through it.
enum LatencyBenchmark {
    static func run(_ arguments: Arguments, _ results: Results) throws {
        guard let mode = try arguments.durabilities().first else { return }
        let isBare = arguments.text("only", "") == "bare"
        var definitions = try arguments.definitions(store: try arguments.required("store"), durability: mode)
        let isMock = try arguments.required("brokers") == "mock"
        let mock = isMock ? try MockCluster() : nil
        let brokers = mock?.bootstrapServers ?? definitions.kafka.brokers
        definitions.kafka.brokers = brokers
        // Kafka answers a fetch as soon as there is something; the local broker looks again only after half of this.
        definitions.kafka.properties["fetch.wait.max.ms"] = "10"
        let rate = try arguments.int("rate", 50_000)
        let duration = Double(try arguments.int("seconds", 10))
        let topics = definitions.streams.map(\.topic)
        let partitions = try arguments.int("partitions", 8)
        if let mock {
            for topic in topics { try mock.createTopic(topic, partitions: partitions) }
        } else {
            try ProduceCommand.makeTopics(topics, partitions: partitions, brokers: brokers)
        }
        var latencies: [Int] = []
        var cost = Cost(), written = 0
        func measure(_ hasArrived: (UnsafeRawBufferPointer, Int64) throws -> Bool) throws -> Int {
            try withLoad(arguments, topics, brokers, rate: rate) {
                usleep(1_000_000)
                let before = writtenBytes()
                cost = try Cost.of { latencies = try probe(topics[0], brokers, seconds: duration, hasArrived) }
                written = writtenBytes() - before
            }
        }
        let sent: Int
        if isBare {
            let consumer = try BareConsumer(topics, partitions: partitions, brokers: brokers)
            defer { consumer.stop() }
            sent = try measure { _, began in consumer.newestProbe.load(ordering: .relaxed) == began }
        } else {
            let store = Store(definitions)
            let ingest = IngestService(store: store, descriptorSets: topics.map { _ in nil }) { _ in }
            try ingest.start()
            defer {
                ingest.stop()
                store.closeAll()
            }
            let plan = try store.plan(features: ["clicks_5m"])
            sent = try measure { key, _ in try store.lookup(plan, key: key, asOf: Store.now()).found }
        }
        let offered = Double(sent) / (duration + 1)
        latencies.sort()
        func milliseconds(_ p: Double) -> Double { Double(percentile(latencies, p)) / 1e3 }
        // In `mock` everything is in this process: what it costs says at which rate it would take all processors.
        let microseconds = cost.cpu / cost.wall / offered * 1e6
        let saturating = Double(sysconf(Int32(_SC_NPROCESSORS_ONLN))) / microseconds * 1e6
        print("""
            produced to \(isBare ? "consumed" : "served") at \(thousands(offered)) events/s: half within \(fixed(milliseconds(0.5), 1)) ms, 99 % within \
            \(fixed(milliseconds(0.99), 1)) ms (\(latencies.count) probes); \
            \(fixed(microseconds)) µs of CPU an event in this process, which would take all processors at \(thousands(saturating)) events/s; \
            \(thousands(Double(written) / cost.wall / offered)) bytes an event to the disk, \(fixed(Double(written) / cost.wall / 1e6, 0)) MB/s
            """)
        let name = (isMock ? "mock_" : "") + (isBare ? "latency_bare" : "latency") + (mode == .commit ? "" : "_replay")
        results.add("\(name).rate", offered)
        results.add("\(name).saturating", saturating)
        results.add("\(name).p50_ms", milliseconds(0.5))
        results.add("\(name).p99_ms", milliseconds(0.99))
    }

    /// Microseconds of each probe.
    private static func probe(
        _ topic: String, _ brokers: String, seconds: Double, _ hasArrived: (_ key: UnsafeRawBufferPointer, _ began: Int64) throws -> Bool
    ) throws -> [Int] {
        let producer = try Producer(configuration: ["bootstrap.servers": brokers, "linger.ms": "0"])
        defer { producer.close() }
        let end = Store.now() + Int64(seconds * 1e6)
        var latencies: [Int] = []
        while Store.now() < end {
            let began = Store.now()
            let key = Array("probe-\(began)".utf8)
            let event = """
                {"event_id":"probe-\(began)","customer_id":"probe-\(began)","event_time":\(began / 1000),"page":"home",\
                "product":{"id":"p1","category":"shoes","price":1.00},"session":"s","device":"mobile"}
                """
            try Array(event.utf8).withUnsafeBytes { value in
                try key.withUnsafeBytes { try producer.produce(topic: topic, key: $0, value: value) }
            }
            producer.poll()
            while true {
                let isThere = try key.withUnsafeBytes { try hasArrived($0, began) }
                let age = Int(Store.now() - began)
                if isThere {
                    latencies.append(age)
                    break
                }
                if age > 30_000_000 { throw Arguments.Problem("a probe did not arrive within 30 s") }
                usleep(200)
            }
            // Out of step with any period of broker or load.
            usleep(UInt32.random(in: 1_000...20_000))
        }
        return latencies
    }

    /// Consumes everything and keeps nothing but the time that the newest probe's key names.
    private final class BareConsumer: @unchecked Sendable {
        let newestProbe = Atomic(Int64(0))
        private let isOver = Atomic(false)
        private let consumer: Consumer
        private var thread = pthread_t()

        init(_ topics: [String], partitions: Int, brokers: String) throws {
            var starts: [TopicPartition: StartPosition] = [:]
            for topic in topics {
                for partition in 0..<partitions { starts[TopicPartition(topic: topic, partition: partition)] = .beginning }
            }
            consumer = try Consumer(
                configuration: ["bootstrap.servers": brokers, "fetch.wait.max.ms": "10"], assigning: starts, onError: { print("bare: \($0)") })
            let code = pthread_create(&thread, nil, { argument in
                Unmanaged<BareConsumer>.fromOpaque(argument!).takeUnretainedValue().run()
                return nil
            }, Unmanaged.passUnretained(self).toOpaque())
            guard code == 0 else { throw Arguments.Problem("no thread for the consumer: error \(code)") }
        }

        private func run() {
            while !isOver.load(ordering: .relaxed) {
                _ = try? consumer.poll(max: 10_000, timeoutMilliseconds: 100) { record in
                    if let key = record.key, key.count > 6, key.prefix(6).elementsEqual("probe-".utf8),
                        let began = Int64(String(decoding: key.dropFirst(6), as: UTF8.self)) {
                        newestProbe.store(began, ordering: .relaxed)
                    }
                    record.destroy()
                }
            }
        }

        func stop() {
            isOver.store(true, ordering: .relaxed)
            pthread_join(thread, nil)
            consumer.close()
        }
    }

    /// Runs `body` while a thread produces `rate` events a second; returns how many those were.
    private static func withLoad(
        _ arguments: Arguments, _ topics: [String], _ brokers: String, rate: Int, _ body: () throws -> Void
    ) throws -> Int {
        let load = try Load(arguments, topics, brokers, rate: rate)
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, { argument in
            Unmanaged<Load>.fromOpaque(argument!).takeUnretainedValue().run()
            return nil
        }, Unmanaged.passUnretained(load).toOpaque())
        guard code == 0 else { throw Arguments.Problem("no thread for the load: error \(code)") }
        defer {
            load.isOver.store(true, ordering: .relaxed)
            pthread_join(thread, nil)
        }
        try body()
        return load.sent.load(ordering: .relaxed)
    }

    private final class Load: @unchecked Sendable {
        let isOver = Atomic(false)
        let sent = Atomic(0)
        private let producer: Producer
        private let topics: [String]
        private let shop: Shop
        private let rate: Int
        private var generator: ShopGenerator

        init(_ arguments: Arguments, _ topics: [String], _ brokers: String, rate: Int) throws {
            self.topics = topics
            self.rate = rate
            shop = try Shop.decoders(try arguments.definitions(store: "unused"))
            var options = try Shop.options(arguments, events: rate)
            options.eventsPerSecond = Double(rate)
            options.diurnal = false
            options.start = Store.now()
            options.seed = 2
            generator = ShopGenerator(options)
            producer = try Producer(configuration: ["bootstrap.servers": brokers, "linger.ms": String(try arguments.int("linger", 5))])
        }

        func run() {
            var event = GeneratedEvent()
            let began = Cost.now()
            var count = 0
            while !isOver.load(ordering: .relaxed) {
                let due = Int((Cost.now() - began).wall * Double(rate))
                while count < due {
                    generator.next(into: &event)
                    event.customer.withUnsafeBytes { key in
                        event.payload.withUnsafeBytes { value in
                            try? producer.produce(topic: topics[shop.stream(of: event.kind)], key: key, value: value)
                        }
                    }
                    count += 1
                }
                sent.store(count, ordering: .relaxed)
                producer.poll()
                usleep(2_000)
            }
            producer.flush(timeoutMilliseconds: 30_000)
            producer.close()
        }
    }
}
