import FeatureStore
import Foundation
import Synchronization
import TestSupport
import Testing

/// Lookups over shards: where a key's row is, and what happens while rows are being written.
@Suite struct StoreTests {
    private let directory = TemporaryDirectory()
    private let noon = ShardFixture.noon

    @Test(arguments: Partitioner.allCases)
    func `a key is looked up in the shard that its partitioner names`(partitioner: Partitioner) throws {
        var definitions = ShardFixture.definitions(directory.path)
        definitions.streams[0].partitioner = partitioner
        let store = Store(definitions)
        store.setPartitionCounts(["clicks": 5])
        for number in 0..<5 { _ = try store.openShard(number) }
        for i in 0..<50 {
            let key = "customer-\(i)"
            let partition = Array(key.utf8).withUnsafeBytes { partitioner.partition(of: $0, count: 5) }
            try store.shards[partition].apply(
                ShardFixture.batch([.init(customer: key, time: noon, id: UInt64(i))]), ShardFixture.progress(next: Int64(i)))
            let vector = try ShardFixture.lookup(store, ["clicks_of_customer_n"], key, at: noon)
            #expect(vector.found && vector.shards == [partition])
            #expect(vector.values[0].value == .int(1))
        }
        let unknown = try ShardFixture.lookup(store, ["clicks_of_customer_n"], "nobody", at: noon)
        #expect(!unknown.found && unknown.values[0].status == .missing)
        store.closeShard(0)
        let lost = (0..<50).map { "customer-\($0)" }.first { key in
            Array(key.utf8).withUnsafeBytes { partitioner.partition(of: $0, count: 5) } == 0
        }!
        #expect { try ShardFixture.lookup(store, ["clicks_of_customer_n"], lost, at: noon) } throws: { error in
            if case LookupError.shardUnavailable(shard: 0, _) = error { true } else { false }
        }
        store.closeAll()
    }

    @Test func `monitoring can tell what a row no longer keeps from what there never was`() throws {
        let store = Store(ShardFixture.definitions(directory.path))
        store.setPartitionCounts(["clicks": 1])
        defer { store.closeAll() }
        let clicks = [noon - .hours(9), noon].enumerated().map { ShardFixture.Click(customer: "x", time: $1, id: UInt64($0)) }
        try store.openShard(0).apply(ShardFixture.batch(clicks), ShardFixture.progress(next: 2))
        let plan = try #require(store.observationPlan(entity: 0, features: ["clicks_of_customer_n_1h"]))
        func observed(_ key: String, _ time: Int64) throws -> FeatureValue { try #require(store.observe(plan, key: Array(key.utf8), asOf: time)?.first) }
        let now = try observed("x", noon), quiet = try observed("x", noon + .hours(2)), past = try observed("x", noon - .hours(9)), nobody = try observed("y", noon)
        #expect(now.value == .int(1) && !now.isForgotten)
        #expect(quiet.value == .int(0) && !quiet.isForgotten)
        #expect(past.status == .missing && past.isForgotten)
        #expect(nobody.status == .missing && !nobody.isForgotten)
    }

    @Test(arguments: [false, true])
    func `entities that topics are not partitioned by are merged over all shards`(byProduct: Bool) throws {
        var definitions = ShardFixture.definitions(directory.path)
        definitions.views = [ShardFixture.view("v", entity: byProduct ? "product" : "customer")]
        definitions.streams[0].partitioned = byProduct  // Products are merged even so: they are not the first key.
        let store = Store(definitions)
        store.setPartitionCounts(["clicks": 3])
        for number in 0..<3 {
            let shard = try store.openShard(number)
            let clicks = (0..<4).map { i in
                ShardFixture.Click(
                    customer: "x", product: "x", time: noon + Int64(number * 10 + i), id: UInt64(number * 100 + i), price: Int64(i),
                    category: "category-\(number)")
            }
            if number != 1 { try shard.apply(ShardFixture.batch(clicks), ShardFixture.progress(next: 4)) }
        }
        let vector = try ShardFixture.lookup(store, ["v_n", "v_sum", "v_categories", "v_last", "v_n_1h"], "x", at: noon + .minutes(1))
        #expect(vector.found && vector.shards == [0, 1, 2])
        #expect(vector.values.map(\.value) == [
            .int(8), .decimal(units: 12, scale: 2),
            .map([.init(key: "category-0", value: .int(4)), .init(key: "category-2", value: .int(4))]),
            .string("category-2"), .int(8),
        ])
        #expect(vector.values[0].newestEventTime == noon + 23)
        store.closeAll()
    }

    @Test func `a second, read-only opening sees rows, routes and counts`() throws {
        let definitions = ShardFixture.definitions(directory.path)
        let writer = Store(definitions)
        writer.setPartitionCounts(["clicks": 3])
        for number in 0..<3 { _ = try writer.openShard(number) }
        for i in 0..<30 {
            let key = "customer-\(i)"
            let partition = Array(key.utf8).withUnsafeBytes { Partitioner.murmur2.partition(of: $0, count: 3) }
            try writer.shards[partition].apply(
                ShardFixture.batch([.init(customer: key, time: noon, id: UInt64(i))]), ShardFixture.progress(next: 1))
        }
        let counts = writer.shards.map(\.counts)
        writer.closeAll()

        let reader = Store(definitions)
        try reader.openExisting()
        #expect(reader.shards.map(\.number) == [0, 1, 2])
        #expect(reader.shards.map(\.counts) == counts)
        for i in 0..<30 {
            let vector = try ShardFixture.lookup(reader, ["clicks_of_customer_n"], "customer-\(i)", at: noon)
            #expect(vector.values.map(\.value) == [.int(1)])
            #expect(vector.shards.count == 1)
        }
        reader.closeAll()
        #expect { try Store(ShardFixture.definitions(directory.path + "/nothing")).openExisting() } throws: { "\($0)".contains("no shard here") }
    }

    /// The map begins at 256 KiB and moves several times while four threads look keys up without a pause.
    @Test(arguments: StoreSettings.Durability.allCases)
    func `the map grows under readers`(durability: StoreSettings.Durability) throws {
        var definitions = ShardFixture.definitions(directory.path, durability: durability)
        definitions.store.initialMapBytes = 256 << 10
        let store = Store(definitions)
        store.setPartitionCounts(["clicks": 1])
        let shard = try store.openShard(0)
        let plan = try store.plan(features: ["clicks_of_customer_n", "clicks_of_customer_sum"])
        let isDone = Atomic(false)
        let lookups = Atomic(0), faults = Atomic(0)
        let readers = (0..<4).map { n in
            let thread = Thread {
                var seen = [Int64](repeating: 0, count: 50)
                var i = n
                while !isDone.load(ordering: .relaxed) {
                    i = (i + 1) % 50
                    let vector = Array("customer-\(i)".utf8).withUnsafeBytes { try? store.lookup(plan, key: $0, asOf: ShardFixture.noon + .days(1)) }
                    if let vector, !vector.found {
                        if seen[i] > 0 { faults.add(1, ordering: .relaxed) }
                    } else if let vector, case .int(let count) = vector.values[0].value, count >= seen[i],
                        vector.values[1].value == .decimal(units: Int128(count) * 100, scale: 2) {
                        seen[i] = count
                    } else {
                        faults.add(1, ordering: .relaxed)  // An error, a count that went down, or a row that is half old and half new.
                    }
                    lookups.add(1, ordering: .relaxed)
                }
            }
            thread.start()
            return thread
        }
        for batch in 0..<60 {
            let clicks = (0..<400).map { i in
                let n = batch * 400 + i
                return ShardFixture.Click(customer: "customer-\(i < 50 ? i : n)", time: noon + Int64(n) * 1000, id: UInt64(n))
            }
            try shard.apply(ShardFixture.batch(clicks), ShardFixture.progress(next: Int64(batch + 1) * 400))
            if batch % 4 == 0 { try shard.flush() }
        }
        isDone.store(true, ordering: .relaxed)
        while readers.contains(where: { !$0.isFinished }) { Thread.sleep(forTimeInterval: 0.001) }
        #expect(faults.load(ordering: .relaxed) == 0)
        #expect(lookups.load(ordering: .relaxed) > 0)
        try shard.flush()
        #expect(store.shardStatuses()[0].mapBytes > 1 << 20)
        #expect(shard.counts[0].applied == 24_000)
        #expect(try ShardFixture.lookup(store, ["clicks_of_customer_n"], "customer-7", at: noon + .days(1)).values[0].value == .int(60))
        store.closeAll()
    }

    /// Whole shards against the oracle: many keys in a batch, outcomes counted, rows stored between batches.
    @Test func `counts and values of many keys are the oracle's`() throws {
        for seed in 0..<40 as Range<UInt64> {
            var scenario = Scenario(seed: seed, eventCount: 200)
            let directory = TemporaryDirectory()
            scenario.definitions.store.directory = directory.path
            let definitions = scenario.definitions
            let store = Store(definitions)
            store.setPartitionCounts(Dictionary(uniqueKeysWithValues: definitions.streams.map { ($0.topic, 1) }))
            let shard = try store.openShard(0)
            var random = SeededGenerator(seed: seed)
            let keys = ["", "a", "abcdefgh", "abcdefghi", "abcdefgz", "zz"].map { $0 + "k" }
            var oracles = Dictionary(uniqueKeysWithValues: keys.map { ($0, OracleRow(definitions)) })
            var expected = definitions.streams.map { _ in StreamCounts() }
            let batch = EventBatch()
            let memory = EventMemory()
            for event in scenario.events {
                let key = random.pick(keys)
                let count = 1 + event.fields.count
                let room = batch.reserveValues(count)
                memory.withValues(event, key: key) { room.update(from: $0, count: count) }
                batch.append(stream: Int32(event.stream), time: event.time, id: event.id, valueCount: count)
                switch oracles[key]!.offer(event) {
                case .applied: expected[event.stream].applied += 1
                case .duplicate: expected[event.stream].dropped[Int(DropReason.duplicate.rawValue)] += 1
                case .late: expected[event.stream].dropped[Int(DropReason.late.rawValue)] += 1
                }
                if random.one(in: 20) {
                    try shard.apply(batch, BatchProgress(streamCount: definitions.streams.count))
                    batch.reset()
                }
            }
            try shard.apply(batch, BatchProgress(streamCount: definitions.streams.count))
            #expect(shard.counts == expected, "seed \(seed)")
            let time = min(scenario.events.map(\.time).max()! + .minutes(1), Store.validTimes.upperBound)
            // Of other keys and plans before: nothing of that may be left.
            var reused = Vector()
            for key in keys where oracles[key]!.streams.contains(where: { $0.newest != nil }) {
                for view in definitions.views {
                    let vector = try ShardFixture.lookup(store, view.features.map(\.name), key, at: time)
                    let plan = try store.plan(features: view.features.map(\.name))
                    try Array(key.utf8).withUnsafeBytes { bytes throws in try store.lookup(plan, key: bytes, asOf: time, into: &reused) }
                    #expect(reused == vector, "seed \(seed), key \(key)")
                    for (feature, value) in zip(view.features, vector.values) {
                        let answer = oracles[key]!.answer(
                            feature, of: view, passes: { event in
                                definitions.streams[event.stream].name == view.stream && scenario.filters[view.name]?(event) ?? true
                            }, at: time)
                        #expect(answer.allows(value, defaultValue: feature.defaultValue), "seed \(seed), key \(key), \(feature.name): \(value)")
                    }
                }
            }
            store.closeAll()
        }
    }
}
