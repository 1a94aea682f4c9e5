import FeatureStore
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

    @Test func `shards on the disk are served as disconnected, their age grows, and the same shards go on`() throws {
        try write(3)
        let store = Store(ShardFixture.definitions(directory.path))
        store.openAhead()
        for shard in store.shards { shard.noteDisconnected(since: Store.now()) }
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
        let ahead = store.shards
        store.setPartitionCounts(["clicks": 3])
        store.closeShards(except: [0, 2])
        #expect(store.shards.map(\.number) == [0, 2])
        #expect(try store.openShard(0) === ahead[0])
        ahead[0].noteDisconnected(since: nil)
        ahead[0].noteEnd(stream: 0, end: ahead[0].nextOffset(stream: 0) ?? 0)
        #expect(store.shardStatuses()[0].state == .open)
        #expect(store.shardStatuses()[0].freshness == 0)
        #expect(store.shardStatuses()[0].lagEvents == 0)
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
