import FeatureStore
import TestSupport
import Testing

/// A changed definitions file over a shard that holds rows already.
@Suite struct DefinitionChanges {
    private let directory = TemporaryDirectory()

    private func open(_ definitions: Definitions) throws -> Store {
        let store = Store(definitions)
        store.setPartitionCounts(["clicks": 1])
        _ = try store.openShard(0)
        return store
    }

    private func click(_ n: Int, at time: Int64) -> ShardFixture.Click { .init(customer: "ann", time: time, id: UInt64(n)) }

    @Test func `a changed view or stream is refused with a remedy`() throws {
        let definitions = ShardFixture.definitions(directory.path)
        try open(definitions).closeAll()
        var changed = definitions
        changed.views[0].filter = "price > 5"
        #expect {
            try open(changed)
        } throws: { error in
            "\(error)".contains("view `clicks_of_customer` is defined differently") && "\(error)".contains("a new name")
        }
        changed = definitions
        changed.streams[0].allowedLateness = .hours(2)
        #expect { try open(changed) } throws: { "\($0)".contains("stream `clicks` is defined differently") }
        try open(definitions).closeAll()
    }

    @Test func `an added view is warming until its window begins after it was added`() throws {
        var definitions = ShardFixture.definitions(directory.path)
        let noon = ShardFixture.noon
        var store = try open(definitions)
        try store.shards[0].apply(
            ShardFixture.batch([click(1, at: noon)]), ShardFixture.progress(next: 1, recordTime: noon))
        store.closeAll()

        definitions.views.append(ShardFixture.view("added"))
        for reopened in [false, true] {
            store = try open(definitions)
            if !reopened {
                try store.shards[0].apply(
                    ShardFixture.batch([click(2, at: noon + .minutes(10))]), ShardFixture.progress(next: 2, recordTime: noon + .minutes(10)))
            }
            // From `newest record + max_clock_skew` on, every event is one that the view has seen.
            let since = noon + .minutes(5)
            let names = ["clicks_of_customer_n_1h", "added_n_1h", "added_n"]
            let early = try ShardFixture.lookup(store, names, "ann", at: noon + .minutes(20))
            #expect(early.values.map(\.status) == [.present, .warming, .warming])
            #expect(early.values.map(\.value) == [.int(2), .null, .null])
            let full = try ShardFixture.lookup(store, names, "ann", at: since + .hours(1) + .minutes(1))
            #expect(full.values.map(\.status) == [.present, .present, .warming])
            #expect(full.values[1].value == .int(1))
            store.closeAll()
        }
    }

    @Test func `the id of a removed view is never given again`() throws {
        var definitions = ShardFixture.definitions(directory.path)
        definitions.views.append(ShardFixture.view("second"))
        var store = try open(definitions)
        try store.shards[0].apply(ShardFixture.batch([click(1, at: ShardFixture.noon)]), ShardFixture.progress(next: 1))
        #expect(store.shards[0].catalog.entities[0].views.map(\.id) == [1, 2])
        store.closeAll()

        definitions.views.removeLast()
        try open(definitions).closeAll()
        definitions.views.append(ShardFixture.view("third"))
        store = try open(definitions)
        #expect(store.shards[0].catalog.entities[0].views.map(\.id) == [1, 3])
        let values = try ShardFixture.lookup(store, ["third_n", "clicks_of_customer_n"], "ann", at: ShardFixture.noon).values
        #expect(values.map(\.status) == [.warming, .present])
        store.closeAll()

        // Not even for a view of the removed one's name.
        definitions.views.append(ShardFixture.view("second"))
        store = try open(definitions)
        #expect(store.shards[0].catalog.entities[0].views.map(\.id) == [1, 3, 4])
        store.closeAll()
    }
}
