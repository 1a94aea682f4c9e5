import FeatureStore
import TestSupport
import Testing

/// The one entity that every event describes.
@Suite struct SingletonTests {
    private let noon = LeveledStore.noon
    private typealias Click = LeveledStore.Click

    @Test func `it is merged over all shards and counts what the customers' rows have taken`() throws {
        let shop = try LeveledStore()
        var clicks: [Click] = []
        for i in 0..<40 { clicks.append(Click("c\(i)", i % 2 == 0 ? "shoes" : "bags", "p\(i % 5)", Int64(100 + i), at: noon + Int64(i), id: UInt64(i))) }
        try shop.apply(clicks)
        // Duplicates in the same batch as others and in a later one; one that is late for its customer, and one that is so old for others only.
        try shop.apply([clicks[3], Click("c3", "bags", "p3", 500, at: noon + 60_000_000, id: 100), Click("c3", "bags", "p3", 500, at: noon + 60_000_000, id: 100)])
        try shop.apply([clicks[7], Click("c3", "bags", "p3", 1, at: noon - .hours(2), id: 101), Click("new", "bags", "old", 1, at: noon - .hours(2), id: 102)])
        let vector = try shop.lookup(["views_lifetime", "views_1h", "top_lifetime"], "shop", at: noon + 120_000_000)
        #expect(vector.found && vector.shards == [0, 1])
        #expect(vector.values[0].value == .int(42))
        #expect(vector.values[1].value == .int(41))
        guard case .list(let top) = vector.values[2].value, case .map(let first) = top.first else {
            Issue.record("no ranking")
            return
        }
        #expect(top.count == 2 && first.map(\.value) == [.int(9), .double(9.0 / 42), .string("p3")])
        // Counted once, for the customer.
        #expect(shop.store.shards.map { $0.counts[0].applied }.reduce(0, +) == 42)
        #expect(shop.store.shards.map { $0.counts[0][.duplicate] }.reduce(0, +) == 3)
        #expect(shop.store.shards.map { $0.counts[0][.late] }.reduce(0, +) == 1)
    }

    @Test func `its row does not depend on the order of arrival`() throws {
        var clicks: [Click] = []
        for i in 0..<60 { clicks.append(Click("c\(i % 7)", "shoes", "p\(i % 5)", Int64(i), at: noon + Int64(i * 20_000_000), id: UInt64(i))) }
        var rows: [[String: [UInt8]]] = []
        for seed in 0..<3 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let shop = try LeveledStore()
            var rest = clicks.shuffled(using: &generator)
            while !rest.isEmpty {
                try shop.apply(Array(rest.prefix(13)))
                rest.removeFirst(min(13, rest.count))
            }
            rows.append(try ShardFixture.rows(shop.store.shards[0], entity: 2))
        }
        #expect(rows[0].count == 1 && rows[0]["shop"] != nil)
        #expect(rows[1] == rows[0] && rows[2] == rows[0])
    }

    @Test func `it has one key`() throws {
        let shop = try LeveledStore()
        #expect(throws: LookupError.notTheSingleton("shop")) { try shop.lookup(["views_lifetime"], "other") }
        #expect(try !shop.lookup(["views_lifetime"], "shop").found)
    }

    @Test func `a stream that describes nothing else decides for itself`() throws {
        let directory = TemporaryDirectory()
        var definitions = ShardFixture.definitions(directory.path)
        definitions.entities.append(.init(name: "all", isSingleton: true))
        definitions.views = [ShardFixture.view("of_all", entity: "all")]
        let store = Store(definitions)
        store.setPartitionCounts(["clicks": 1])
        let shard = try store.openShard(0)
        let clicks = [1, 2, 2, 3].map { ShardFixture.Click(customer: "c\($0)", time: ShardFixture.noon, id: $0) }
        try shard.apply(ShardFixture.batch(clicks), ShardFixture.progress(next: 4))
        #expect(try ShardFixture.lookup(store, ["of_all_n"], "all", at: ShardFixture.noon).values[0].value == .int(3))
        #expect(shard.counts[0].applied == 3 && shard.counts[0][.duplicate] == 1)
        store.closeAll()
    }
}
