import FeatureStore
import Foundation
import Synchronization
import TestSupport
import Testing

/// Serving what is on the disk before a broker has said anything.
struct OpenAheadTests {
    private let directory = TemporaryDirectory()
    private let noon = ShardFixture.noon

    private func write(_ shards: Int) throws {
        let store = Store(ShardFixture.definitions(directory.path))
        store.setPartitionCounts(["clicks": shards])
        for number in 0..<shards {
            let shard = try store.openShard(number)
            let keys = (0..<30).map { "customer-\($0)" }.filter { key in
                Array(key.utf8).withUnsafeBytes { Partitioner.murmur2.partition(of: $0, count: shards) } == number
            }
            try shard.apply(
                ShardFixture.batch(keys.enumerated().map { .init(customer: $1, time: noon, id: UInt64($0)) }),
                ShardFixture.progress(next: Int64(keys.count)))
        }
        store.closeAll()
    }

    @Test func `shards on the disk are served as disconnected, their age grows, and the shards of this process go on`() throws {
        try write(3)
        let store = Store(ShardFixture.definitions(directory.path))
        store.openAhead(disconnectedSince: Store.now())
        #expect(!store.isAssigned)
        for i in 0..<30 {
            #expect(try ShardFixture.lookup(store, ["clicks_of_customer_n"], "customer-\(i)", at: noon).values[0].value == .int(1))
        }
        for status in store.shardStatuses() {
            #expect(status.state == .disconnected)
            #expect(status.lagEvents == nil)
            // As old as the newest record, which is of 2023.
            #expect((status.freshness ?? 0) > .days(365))
        }
        store.setPartitionCounts(["clicks": 3])
        store.closeShards(except: [0, 2])
        #expect(store.shards.map(\.number) == [0, 2])
        let shard = try store.openShard(0)
        #expect(try store.openShard(0) === shard)
        shard.noteEnd(stream: 0, end: shard.nextOffset(stream: 0) ?? 0)
        #expect(store.shardStatuses()[0].state == .open)
        #expect(store.shardStatuses()[0].freshness == 0)
        #expect(store.shardStatuses()[0].lagEvents == 0)
        store.closeAll()
    }

    @Test func `a lookup never fails while its shard is opened for writing`() throws {
        try write(1)
        let failures = Mutex<[String]>([])
        for _ in 0..<10 {
            let store = Store(ShardFixture.definitions(directory.path))
            store.openAhead()
            let isDone = Atomic(false), asked = Atomic(0), group = DispatchGroup()
            for _ in 0..<2 {
                DispatchQueue.global().async(group: group) {
                    while !isDone.load(ordering: .relaxed) {
                        do {
                            let vector = try ShardFixture.lookup(store, ["clicks_of_customer_n"], "customer-3", at: ShardFixture.noon)
                            if vector.values[0].value != .int(1) { failures.withLock { $0.append("\(vector.values[0])") } }
                        } catch { failures.withLock { $0.append("\(error)") } }
                        asked.add(1, ordering: .relaxed)
                    }
                }
            }
            while asked.load(ordering: .relaxed) < 100 { usleep(1_000) }
            store.setPartitionCounts(["clicks": 1])
            _ = try store.openShard(0)
            isDone.store(true, ordering: .relaxed)
            group.wait()
            store.closeAll()
        }
        #expect(failures.withLock { Set($0) }.isEmpty)
    }

    @Test func `nothing is written ahead, and a complete next generation waits until the shard is this process's`() throws {
        try write(1)
        let definitions = ShardFixture.definitions(directory.path)
        let build = GenerationBuild(definitions, source: "test", partitionCounts: ["clicks": 1])
        try build.open(0).apply(
            ShardFixture.batch([.init(customer: "customer-3", time: noon, id: 1), .init(customer: "customer-3", time: noon, id: 2)]),
            ShardFixture.progress(next: 2))
        try build.complete(0)
        let live = Shard.path(directory.path, 0)
        func state() throws -> [Data] {
            try ["data.mdb", "session"].map { try Data(contentsOf: URL(fileURLWithPath: "\(live)/\($0)")) }
        }
        let before = try state()
        do {
            let store = Store(definitions)
            store.openAhead()
            #expect(try ShardFixture.lookup(store, ["clicks_of_customer_n"], "customer-3", at: noon).values[0].value == .int(1))
            store.closeAll()
        }
        #expect(try state() == before)
        let store = Store(definitions)
        store.openAhead()
        store.setPartitionCounts(["clicks": 1])
        _ = try store.openShard(0)
        #expect(try ShardFixture.lookup(store, ["clicks_of_customer_n"], "customer-3", at: noon).values[0].value == .int(2))
        store.closeAll()
    }

    @Test func `another number of partitions is found out when a broker says so`() throws {
        try write(2)
        let store = Store(ShardFixture.definitions(directory.path))
        store.openAhead()
        store.setPartitionCounts(["clicks": 4])
        #expect { try store.openShard(1) } throws: { "\($0)".contains("4 partitions") }
        store.closeAll()
    }

    @Test func `a log that ends before what was read from it has no lag and does not look fresh`() throws {
        try write(1)
        let store = Store(ShardFixture.definitions(directory.path))
        store.openAhead()
        let shard = store.shards[0]
        shard.noteEnd(stream: 0, end: 3)
        let status = store.shardStatuses()[0]
        #expect(status.lagEvents == nil)
        #expect((status.freshness ?? 0) > .days(365))
        store.closeAll()
    }
}
