import FeatureStore
import TestSupport
import Testing

/// A shard on a file system of a few MB that is really full.
@Suite(.enabled(if: SmallDisk.isPermitted, "mounting a tmpfs takes root"))
struct FullDiskTests {
    private let noon = ShardFixture.noon

    private func apply(_ n: Int, to shard: Shard) throws(ShardError) {
        let clicks = (0..<200).map { ShardFixture.Click(customer: "customer-\(n)-\($0)", time: noon, id: UInt64(n * 200 + $0)) }
        try shard.apply(ShardFixture.batch(clicks), ShardFixture.progress(next: Int64(n + 1)))
    }

    @Test(arguments: StoreSettings.Durability.allCases)
    func `a full disk stops the batch, lookups go on, and free space lets it go on with nothing lost or twice`(
        durability: StoreSettings.Durability
    ) throws {
        // Room enough, in the end, for all that memory takes before it asks the disk.
        let disk = try SmallDisk(megabytes: 48)
        let store = Store(ShardFixture.definitions(disk.path + "/data", durability: durability))
        store.setPartitionCounts(["clicks": 1])
        let shard = try store.openShard(0)
        try disk.fill(leaving: 1 << 20)
        var applied = 0
        var refusal: ShardError?
        while refusal == nil, applied < 2_000 {
            do throws(ShardError) {
                try apply(applied, to: shard)
                applied += 1
            } catch { refusal = error }
        }
        #expect(refusal?.isDiskFull == true)
        #expect(refusal.map { "\($0)".contains("Free space") } == true)
        #expect(applied > 0)
        #expect(shard.nextOffset(stream: 0) == Int64(applied))
        #expect(shard.counts[0].applied == UInt64(applied * 200))
        func count(_ n: Int) throws -> Value {
            try ShardFixture.lookup(store, ["clicks_of_customer_n"], "customer-\(n)-7", at: noon).values[0].value
        }
        for n in 0..<applied { #expect(try count(n) == .int(1)) }

        try disk.release()
        for n in applied..<applied + 5 { try apply(n, to: shard) }
        for n in 0..<applied + 5 { #expect(try count(n) == .int(1)) }
        #expect(shard.counts[0].applied == UInt64((applied + 5) * 200))
        #expect(shard.counts[0][.duplicate] == 0)
        #expect(try ShardFixture.rows(shard).count == (applied + 5) * 200)
        store.closeAll()
    }

    @Test(arguments: StoreSettings.Durability.allCases)
    func `a shard that cannot be opened for writing is served, and opened when there is space`(
        durability: StoreSettings.Durability
    ) throws {
        let disk = try SmallDisk(megabytes: 8)
        let definitions = ShardFixture.definitions(disk.path + "/data", durability: durability)
        do {
            let store = Store(definitions)
            store.setPartitionCounts(["clicks": 1])
            try apply(0, to: store.openShard(0))
            store.closeAll()
        }
        try disk.fill()
        let store = Store(definitions)
        store.setPartitionCounts(["clicks": 1])
        #expect { try store.openShard(0) } throws: { ($0 as? ShardError)?.isDiskFull == true }
        #expect(store.shardStatuses().map(\.state) == [.stopped])
        #expect(store.shard(0)?.nextOffset(stream: 0) == 1)
        #expect(try ShardFixture.lookup(store, ["clicks_of_customer_n"], "customer-0-7", at: noon).values[0].value == .int(1))

        try disk.release()
        let shard = try store.openShard(0)
        try apply(1, to: shard)
        #expect(store.shardStatuses().map(\.state) == [.open])
        #expect(try ShardFixture.lookup(store, ["clicks_of_customer_n"], "customer-1-7", at: noon).values[0].value == .int(1))
        store.closeAll()
    }

    @Test func `events that cannot be written when a shard is closed are told of, and read again`() throws {
        let disk = try SmallDisk(megabytes: 8)
        let store = Store(ShardFixture.definitions(disk.path + "/data", durability: .commit))
        store.setPartitionCounts(["clicks": 1])
        let shard = try store.openShard(0)
        try apply(0, to: shard)
        try shard.flush()
        try disk.fill()
        try apply(1, to: shard)
        #expect(store.closeShard(0)?.isDiskFull == true)

        try disk.release()
        let again = try store.openShard(0)
        #expect(again.nextOffset(stream: 0) == 1)
        try apply(1, to: again)
        #expect(try ShardFixture.lookup(store, ["clicks_of_customer_n"], "customer-1-7", at: noon).values[0].value == .int(1))
        #expect(store.closeShard(0) == nil)
    }
}
