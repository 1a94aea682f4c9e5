import FeatureStore
import Foundation
import Synchronization
import TestSupport
import Testing

/// After an erasure and a purge nothing of the entity is left in any file of the store.
@Suite struct PurgeTests {
    private let directory = TemporaryDirectory()
    private typealias Fixture = PrivacyFixture

    private final class Flag: Sendable {
        let isSet = Atomic(false)
    }

    private static let secret = "customer-with-a-name", word = "a-rare-category"

    private func click(_ customer: String, _ n: Int, category: String = "shoes") -> ShardFixture.Click {
        .init(customer: customer, time: ShardFixture.noon + Int64(n) * .seconds(1), id: UInt64(n), category: category)
    }

    /// Many customers and batches, so that pages split, are freed and used again; the one in their midst changes all the time.
    private func fill(_ shard: Shard) throws {
        for round in 0..<30 {
            var steps: [Fixture.Step] = []
            for n in 0..<60 { steps.append(.click(click("customer-\(n * 7919 % 400)", round * 60 + n))) }
            steps.append(.click(click(Self.secret, 100_000 + round, category: Self.word)))
            try shard.apply(Fixture.batch(steps), Fixture.progress(clicks: Int64(round + 1)))
        }
    }

    @Test(arguments: [StoreSettings.Durability.commit, .replay])
    func `the bytes are gone from the files after a purge`(durability: StoreSettings.Durability) throws {
        let definitions = Fixture.definitions(directory.path, durability: durability)
        let store = Store(definitions)
        store.setPartitionCounts(Fixture.topics)
        let shard = try store.openShard(0)
        try fill(shard)
        try shard.flush()
        try shard.apply(Fixture.batch([.erase(Self.secret)]), Fixture.progress(erasures: 1))
        try shard.flush()
        #expect(try !Fixture.find(Self.word, in: directory.path).isEmpty, "the test proves nothing: an erasure alone leaves no bytes")
        let before = try ShardFixture.rows(shard)
        #expect(try ShardPurge.run(shard) == .done(rows: before.count))
        // What comes meanwhile is read again from the topics by the next generation.
        let next = try #require(try store.openNext(0) { _ in })
        #expect(next.nextOffset(stream: 0) == shard.nextOffset(stream: 0) && next.nextOffset(stream: 1) == 1)
        let live = try store.adoptNext(0)
        #expect(try ShardFixture.rows(live) == before)
        #expect(live.counts == shard.counts && live.purge.pendingSince == nil && live.purge.count == 1)
        for needle in [Self.secret, Self.word] { #expect(try Fixture.find(needle, in: directory.path) == []) }
        // And they do not come back.
        try fill(live)
        #expect(live.counts[0][.erased] == 30)
        store.closeAll()
        for needle in [Self.secret, Self.word] { #expect(try Fixture.find(needle, in: directory.path) == []) }
    }

    @Test func `a purge leaves what others build alone and takes over what it left half done`() throws {
        let definitions = Fixture.definitions(directory.path)
        let store = Store(definitions)
        store.setPartitionCounts(Fixture.topics)
        defer { store.closeAll() }
        let shard = try store.openShard(0)
        try fill(shard)
        let build = GenerationBuild(definitions, source: "kafka", partitionCounts: Fixture.topics)
        _ = try build.open(0)
        #expect(try ShardPurge.run(shard) == .occupied)
        build.close()
        #expect(try ShardPurge.run(shard) == .occupied)
        #expect(try Generation.discardAll(in: directory.path) == [0])
        let half = GenerationBuild(definitions, source: "purge", partitionCounts: Fixture.topics)
        _ = try half.open(0)
        half.close()
        #expect(try ShardPurge.run(shard, isCancelled: { true }) == .yielded)
        #expect(Generation.all(in: directory.path) == [])
        let rows = try ShardFixture.rows(shard).count
        #expect(try ShardPurge.run(shard) == .done(rows: rows))
        // It waits to be adopted.
        #expect(try ShardPurge.run(shard) == .occupied)
    }

    @Test func `a next generation that does not get into its file is not adopted, and the live one goes on`() throws {
        var definitions = Fixture.definitions(directory.path)
        definitions.store.initialMapBytes = 1 << 20
        definitions.store.maxMapBytes = 2 << 20
        let store = Store(definitions)
        store.setPartitionCounts(Fixture.topics)
        defer { store.closeAll() }
        let shard = try store.openShard(0)
        try fill(shard)
        let rows = try ShardFixture.rows(shard)
        #expect(try ShardPurge.run(shard) == .done(rows: rows.count))
        let next = try #require(try store.openNext(0) { _ in })
        // Memory takes it.
        try next.apply(Fixture.batch((0..<20_000).map { .click(click("new-\($0)", $0)) }), Fixture.progress(clicks: 31))
        #expect { try store.adoptNext(0) } throws: { "\($0)".contains("map is full") }
        #expect(store.hasNext(0) && store.shard(0) === shard)
        store.closeNext(0)
        #expect(try ShardFixture.rows(shard) == rows)
        #expect(Generation.all(in: directory.path).count == 1)
    }

    @Test(arguments: [false, true]) func `a rebuild takes the place of what a killed purge has left`(isComplete: Bool) throws {
        let definitions = Fixture.definitions(directory.path)
        if isComplete {
            let shard = try Fixture.open(definitions)
            defer { shard.close() }
            try fill(shard)
            _ = try ShardPurge.run(shard)
        } else {
            let half = GenerationBuild(definitions, source: "purge", partitionCounts: Fixture.topics)
            try fill(try half.open(0))
            half.close()
        }
        let build = GenerationBuild(definitions, source: "kafka", partitionCounts: Fixture.topics)
        defer { build.close() }
        #expect(try ShardFixture.rows(try build.open(0)).isEmpty && !build.isComplete(0))
    }

    @Test func `a purge beside writing gives way to a map that has to grow`() throws {
        let definitions = Fixture.definitions(directory.path)
        let shard = try Fixture.open(definitions)
        defer { shard.close() }
        let done = Flag()
        let purges = Thread { [shard] in
            while !done.isSet.load(ordering: .relaxed) {
                _ = try? ShardPurge.run(shard)
                _ = try? Generation.discardAll(in: definitions.store.directory)
            }
        }
        purges.start()
        for round in 0..<200 {
            let steps = (0..<200).map { n in Fixture.Step.click(click("customer-\(round * 200 + n)", round * 200 + n)) }
            try shard.apply(Fixture.batch(steps), Fixture.progress(clicks: Int64(round + 1)))
        }
        done.isSet.store(true, ordering: .relaxed)
        while !purges.isFinished { Thread.sleep(forTimeInterval: 0.01) }
        #expect(try ShardFixture.rows(shard).count == 40_000)
    }

    @Test func `pseudonymous rows have no ids in the files and every lookup`() throws {
        let key = "0123456789abcdeffedcba9876543210"
        let definitions = Fixture.definitions(directory.path, key: key, isPseudonymous: true)
        let store = Store(definitions)
        store.setPartitionCounts(Fixture.topics)
        let shard = try store.openShard(0)
        try fill(shard)
        #expect(try ShardFixture.lookup(store, ["clicks_of_customer_n"], Self.secret, at: ShardFixture.noon + .days(2)).values[0].value == .int(30))
        #expect(try !ShardFixture.lookup(store, ["clicks_of_customer_n"], "nobody", at: ShardFixture.noon + .days(2)).found)
        let explained = try store.explain(.init(feature: "clicks_of_customer_n", key: Self.secret, entity: "customer"))
        #expect(explained.key == Self.secret)
        store.closeAll()
        #expect(try Fixture.find(Self.secret, in: directory.path) == [])
        #expect(try Fixture.find("customer-", in: directory.path) == [])
        // A comparison names a row by its pseudonym.
        var other = definitions
        other.store.directory = directory.path + "/other"
        let second = try Fixture.open(other), first = try Fixture.open(definitions)
        defer {
            first.close()
            second.close()
        }
        try fill(second)
        #expect(try ShardComparison(live: first, rebuilt: second).isEqual)
        try second.apply(Fixture.batch([.click(click(Self.secret, 200_000))]), Fixture.progress(clicks: 31))
        let comparison = try ShardComparison(live: first, rebuilt: second)
        #expect(comparison.differences.contains { $0.key.hasPrefix("pseudonym ") && $0.key.count == 42 })
    }
}
