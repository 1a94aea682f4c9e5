import FeatureStore
import Foundation
import TestSupport
import Testing

/// Whoever was erased is gone, and stays gone, whatever comes in whichever order.
@Suite struct ErasureTests {
    private let directory = TemporaryDirectory()
    private typealias Fixture = PrivacyFixture

    private func click(_ customer: String, _ n: Int, category: String = "shoes") -> ShardFixture.Click {
        .init(customer: customer, time: ShardFixture.noon + Int64(n) * .seconds(1), id: UInt64(bitPattern: Int64(n)), price: Int64(100 + n), category: category)
    }

    @Test func `an erasure removes the row and every later event of it`() throws {
        let shard = try Fixture.open(Fixture.definitions(directory.path))
        defer { shard.close() }
        try shard.apply(Fixture.batch([.click(click("c1", 1)), .click(click("c2", 2))]), Fixture.progress(clicks: 2))
        try shard.apply(Fixture.batch([.erase("c1", receipt: "r1")]), Fixture.progress(erasures: 1))
        #expect(try ShardFixture.rows(shard).keys.sorted() == ["c2"])
        #expect(shard.counts[1].applied == 1 && shard.purge.pendingSince != nil)
        // New, repeated, late and future ones.
        var future = click("c1", 9)
        future.id = 99
        let batch = Fixture.batch([.click(click("c1", 3)), .click(click("c1", 1)), .click(click("c1", -90_000)), .click(click("c2", 4)), .click(future)])
        batch.markLastFuture()
        try shard.apply(batch, Fixture.progress(clicks: 7))
        #expect(try ShardFixture.rows(shard).keys.sorted() == ["c2"])
        #expect(shard.counts[0].applied == 3 && shard.counts[0][.erased] == 3)
        #expect(shard.dropNotes.events[Int(DropReason.erased.rawValue)] == [0, 1, 2])
        try Array("c1".utf8).withUnsafeBytes { key in
            try shard.withRowAndDrops(entity: 0, key: key) { row, drops in #expect(row == nil && drops.isEmpty) }
            #expect(try shard.isErased(entity: 0, id: key))
        }
        // Again, and of somebody nobody has heard of.
        try shard.apply(Fixture.batch([.erase("c1"), .erase("c9"), .click(click("c9", 5))]), Fixture.progress(clicks: 8, erasures: 3))
        #expect(shard.counts[1].applied == 2 && shard.counts[1][.duplicate] == 1 && shard.counts[0][.erased] == 4)
    }

    @Test(arguments: [false, true])
    func `what is left is a function of the set of events and erasures`(isPseudonymous: Bool) throws {
        for seed in UInt64(0)..<40 {
            var random = SeededGenerator(seed: seed)
            let key = isPseudonymous ? "0123456789abcdeffedcba9876543210" : nil
            var steps: [Fixture.Step] = []
            for n in 0..<random.int(5...60) {
                let customer = "c\(random.int(0...5))"
                steps.append(random.one(in: 8) ? .erase(customer) : .click(click(customer, n, category: random.pick(["a", "b", "c"]))))
                if random.one(in: 6), let again = steps.randomElement(using: &random) { steps.append(again) }
            }
            var expected: [String: [UInt8]]?
            for variant in 0..<4 {
                if variant > 0 { steps.shuffle(using: &random) }
                let path = "\(directory.path)/\(seed)-\(variant)"
                let shard = try Fixture.open(Fixture.definitions(path, key: key, isPseudonymous: isPseudonymous))
                defer { shard.close() }
                var oracle = OracleShard(ShardFixture.definitions(path))
                var rest = steps[...]
                while !rest.isEmpty {
                    let part = Array(rest.prefix(random.int(1...20)))
                    rest = rest.dropFirst(part.count)
                    try shard.apply(Fixture.batch(part), Fixture.progress(clicks: 1, erasures: 1))
                    // Of one batch erasures come first.
                    for case .erase(let customer, _, _) in part { oracle.erase(customer) }
                    for case .click(let click) in part { oracle.offer(.init(stream: 0, time: click.time, id: click.id, fields: []), click.customer) }
                }
                let rows = try ShardFixture.rows(shard)
                #expect(rows.count == oracle.rows.count, "seed \(seed)")
                if !isPseudonymous { #expect(Set(rows.keys) == Set(oracle.rows.keys), "seed \(seed)") }
                #expect(shard.counts[0].applied == UInt64(oracle.applied), "seed \(seed)")
                for reason in [DropReason.late, .duplicate, .erased] {
                    #expect(shard.counts[0][reason] == UInt64(oracle.dropped[reason] ?? 0), "seed \(seed), \(reason)")
                }
                if let expected { #expect(rows == expected, "seed \(seed): another order gives other bytes") } else { expected = rows }
            }
        }
    }

    @Test func `products keep what they have, and go on`() throws {
        var definitions = Fixture.definitions(directory.path)
        definitions.views.append(ShardFixture.view("clicks_of_product", entity: "product"))
        var orders: [[String: [UInt8]]] = []
        for (n, order) in [[0, 1, 2], [2, 0, 1], [0, 2, 1]].enumerated() {
            definitions.store.directory = "\(directory.path)/\(n)"
            let shard = try Fixture.open(definitions)
            defer { shard.close() }
            let steps: [Fixture.Step] = [.click(click("c1", 1)), .click(click("c1", 2)), .erase("c1")]
            for step in order { try shard.apply(Fixture.batch([steps[step]]), Fixture.progress(clicks: 1)) }
            #expect(try ShardFixture.rows(shard).isEmpty)
            orders.append(try ShardFixture.rows(shard, entity: 1))
        }
        #expect(orders[0].keys.sorted() == ["p"] && orders[1] == orders[0] && orders[2] == orders[0])
    }

    @Test func `a receipt says what is erased and what is purged`() throws {
        let definitions = Fixture.definitions(directory.path)
        let store = Store(definitions)
        store.setPartitionCounts(Fixture.topics)
        defer { store.closeAll() }
        let shard = try store.openShard(0)
        try shard.apply(Fixture.batch([.click(click("c1", 1))]), Fixture.progress(clicks: 1))
        #expect(try store.erasure(receipt: "r1") == nil)
        try shard.apply(Fixture.batch([.erase("c1", receipt: "r1"), .erase("c2", receipt: "r1"), .erase("c3", receipt: "r2")]), Fixture.progress(erasures: 3))
        let first = try #require(try store.erasure(receipt: "r1"))
        #expect(first.entity == "customer" && first.pseudonyms.count == 2 && first.missing == [] && first.outcome == .erased)
        #expect(!first.pseudonyms.contains { "\($0)".contains("c1") })
        // Of c3 there was nothing, so nothing has to be purged.
        #expect(try store.erasure(receipt: "r2")?.outcome == .purged)
        #expect(try store.erasure(receipt: "r") == nil)
        #expect(try ShardPurge.run(shard) == .done(rows: 0))
        _ = try #require(try store.openNext(0) { _ in })
        _ = try store.adoptNext(0)
        #expect(try store.erasure(receipt: "r1")?.outcome == .purged)
        // Another process that reads the files finds the same.
        store.closeAll()
        let reader = Store(definitions)
        defer { reader.closeAll() }
        try reader.openExisting()
        #expect(try reader.erasure(receipt: "r1")?.outcome == .purged)
    }

    @Test func `tombstones are not forgotten with the definitions or the key`() throws {
        let key = "0123456789abcdeffedcba9876543210"
        let first = try Fixture.open(Fixture.definitions(directory.path, key: key))
        try first.apply(Fixture.batch([.erase("c1")]), Fixture.progress(erasures: 1))
        first.close()
        #expect { _ = try Fixture.open(Fixture.definitions(directory.path)) } throws: { "\($0)".contains("made with another key") && "\($0)".contains("millrace rebuild") }
        #expect { _ = try Fixture.open(Fixture.definitions(directory.path, key: "0123456789abcdeffedcba9876543211")) } throws: { "\($0)".contains("made with another key") }
        #expect { _ = try Fixture.open(ShardFixture.definitions(directory.path)) } throws: { "\($0)".contains("so they would come back") }
        #expect { _ = try Fixture.open(Fixture.definitions(directory.path, key: key, isPseudonymous: true)) } throws: { "\($0)".contains("entity `customer` is defined differently") }
        try Fixture.open(Fixture.definitions(directory.path, key: key)).close()
    }

    @Test func `a generation that is built beside a shard knows whom that has erased`() throws {
        let definitions = Fixture.definitions(directory.path)
        let live = try Fixture.open(definitions)
        try live.apply(Fixture.batch([.click(click("c1", 1)), .erase("c1", receipt: "r1")]), Fixture.progress(clicks: 1, erasures: 1))
        live.close()
        let build = GenerationBuild(definitions, source: "test", partitionCounts: Fixture.topics)
        let next = try build.open(0)
        try next.apply(Fixture.batch([.click(click("c1", 1, category: "a-rare-word")), .click(click("c2", 2))]), Fixture.progress(clicks: 2))
        #expect(try ShardFixture.rows(next).keys.sorted() == ["c2"])
        try build.complete(0)
        #expect(try Fixture.find("a-rare-word", in: directory.path) == [])
    }

    @Test func `a shard is not served before its erasures are confirmed`() throws {
        let definitions = Fixture.definitions(directory.path)
        let shard = try Fixture.open(definitions)
        try shard.apply(Fixture.batch([.click(click("c1", 1))]), Fixture.progress(clicks: 1))
        shard.close()
        let store = Store(definitions)
        defer { store.closeAll() }
        store.openAhead()
        #expect(store.shards.isEmpty)
        store.setPartitionCounts(Fixture.topics)
        let features = ["clicks_of_customer_n"]
        func lookup() throws -> Vector { try ShardFixture.lookup(store, features, "c1", at: ShardFixture.noon + .hours(1)) }
        #expect(throws: LookupError.self) { try lookup() }
        #expect(throws: ShardError.self) {
            try store.openShard(0, confirm: { (shard) throws(ShardError) in throw .unconfirmed("no broker", directory: shard.directory) })
        }
        #expect(throws: LookupError.self) { try lookup() }
        _ = try store.openShard(0, confirm: { (shard) throws(ShardError) in
            try shard.apply(Fixture.batch([.erase("c1")]), Fixture.progress(erasures: 1))
        })
        #expect(try !lookup().found)

        var open = definitions
        open.privacy.erasures?.servesUnconfirmed = true
        store.closeAll()
        let bold = Store(open)
        defer { bold.closeAll() }
        bold.openAhead()
        #expect(bold.shards.count == 1)
    }
}
