import FeatureStore
import TestSupport
import Testing

/// Explanations of random streams: the value is the lookup's, the parts add up to it, and what was dropped of each row is the oracle's count.
@Suite struct Explanations {
    @Test(arguments: 0..<8)
    func `parts add up to the lookup's values, and drops are the oracle's`(chunk: Int) throws {
        for seed in UInt64(chunk * 12)..<UInt64(chunk * 12 + 12) { try check(Scenario(seed: seed, eventCount: 60)) }
    }

    @Test(arguments: 0..<8)
    func `so they are where events are kept, retracted and attributed`(chunk: Int) throws {
        for seed in UInt64(chunk * 12)..<UInt64(chunk * 12 + 12) { try check(Scenario(keepingEvents: seed)) }
    }

    private func check(_ given: Scenario) throws {
        var scenario = given
        let directory = TemporaryDirectory()
        scenario.definitions.store.directory = directory.path
        scenario.definitions.store.initialMapBytes = 1 << 20
        var random = SeededGenerator(seed: scenario.seed ^ 0xE897)
        let shardCount = random.int(1...2)
        for i in scenario.definitions.streams.indices where shardCount > 1 { scenario.definitions.streams[i].partitioned = false }
        let definitions = scenario.definitions
        let keys = ["a", "bc", "a key that is longer than eight bytes"]
        var oracles = (0..<shardCount).map { _ in Dictionary(uniqueKeysWithValues: keys.map { ($0, OracleRow(definitions)) }) }
        var dropped: [Place: Explanation.StreamDrops] = [:]

        var store = try open(definitions, shardCount)
        defer { store.closeAll() }
        let batches = (0..<shardCount).map { _ in EventBatch() }
        let memory = EventMemory()
        func flush() throws {
            for i in batches.indices {
                try store.shards[i].apply(batches[i], BatchProgress(streamCount: definitions.streams.count))
                batches[i].reset()
            }
        }
        for event in scenario.events {
            let key = random.pick(keys), shard = random.int(0...shardCount - 1), count = 1 + event.fields.count
            memory.withValues(event, key: key) { batches[shard].reserveValues(count).update(from: $0, count: count) }
            batches[shard].append(stream: Int32(event.stream), time: event.time, id: event.id, valueCount: count)
            let place = Place(shard: shard, key: key, stream: definitions.streams[event.stream].name)
            var drops = dropped[place] ?? .init(stream: place.stream)
            if random.one(in: 10) {
                batches[shard].markLastFuture()
                drops.future += 1
            } else {
                switch oracles[shard][key]!.offer(event) {
                case .applied: break
                case .duplicate: drops.duplicate += 1
                case .late: drops.late += 1
                }
            }
            dropped[place] = drops
            if random.one(in: 15) { try flush() }
            if random.one(in: 40) {
                try flush()
                store.closeAll()
                store = try open(definitions, shardCount)
            }
        }
        try flush()

        let newest = scenario.events.map(\.time).max()!
        var times = [newest, newest + random.int64(0 ... .hours(2)), random.pick(scenario.events).time, newest - random.int64(0 ... .days(3))]
        times = times.filter { Store.validTimes.contains($0) }
        for key in keys {
            for feature in definitions.views.flatMap(\.features) {
                let time = random.pick(times)
                let explanation = try store.explain(.init(feature: feature.name, key: key, asOf: time))
                let looked = try ShardFixture.lookup(store, [feature.name], key, at: time)
                let label = "seed \(scenario.seed), \(key), \(feature.name) at \(time)"
                #expect(explanation.features[0].value == looked.values[0], "\(label)")
                #expect(explanation.found == looked.found, "\(label)")
                #expect(!explanation.features[0].reason.isEmpty, "\(label)")
                for (i, shard) in explanation.shards.enumerated() {
                    for drops in shard.drops {
                        #expect(drops == dropped[Place(shard: i, key: key, stream: drops.stream)] ?? .init(stream: drops.stream), "\(label)")
                    }
                }
                checkParts(of: explanation, feature, label)
            }
        }
    }

    private struct Place: Hashable {
        var shard: Int
        var key: String
        var stream: String
    }

    private func open(_ definitions: Definitions, _ shardCount: Int) throws -> Store {
        let store = Store(definitions)
        store.setPartitionCounts(Dictionary(uniqueKeysWithValues: definitions.streams.map { ($0.topic, shardCount) }))
        for number in 0..<shardCount { _ = try store.openShard(number) }
        return store
    }

    /// Counts and sums are added up here, without the engine; tiles lie in the window, newest first, and those left out before it.
    private func checkParts(of explanation: Explanation, _ feature: FeatureDefinition, _ label: String) {
        guard case .view(let origin) = explanation.features[0].origin else {
            Issue.record("\(label): not of a view")
            return
        }
        let value = explanation.features[0].value, window = origin.window
        let isWhole = (value.status == .present || value.status == .stale)
        var total: Int128 = 0, counted = 0, hasTiles = false
        for row in origin.rows {
            switch row.content {
            case .tiles(let tiles):
                hasTiles = true
                for tile in tiles.contributing {
                    #expect(tile.start ?? 0 <= window.right && (tile.start ?? .min) >= window.left ?? .min, "\(label)")
                    if let start = tile.start, let end = tile.end { #expect(start < end, "\(label)") }
                    switch tile.partial {
                    case .int(let n): total += Int128(n)
                    case .decimal(let units, _): total += units
                    default: break
                    }
                }
                for tile in tiles.leftOut { #expect(tile.start ?? .min < window.left ?? .min, "\(label)") }
                let starts = (tiles.contributing + tiles.leftOut).map { $0.start ?? .min }
                #expect(starts == starts.sorted(by: >), "\(label)")
            case .entries(let entries):
                for entry in entries { #expect(entry.time <= window.right && entry.time >= window.left ?? .min, "\(label)") }
            case .events(let events):
                for event in events.events {
                    #expect(event.time <= window.right && event.time >= window.left ?? .min, "\(label)")
                    if event.standing == .counts { counted += 1 }
                }
            }
        }
        guard isWhole else { return }
        switch (feature.aggregation, value.value) {
        case (.count, .int(let n)) where hasTiles: #expect(total == Int128(n), "\(label)")
        case (.sum, .decimal(let units, _)) where hasTiles: #expect(total == units, "\(label)")
        case (.count(nil), .int(let n)): #expect(Int64(counted) == n, "\(label)")
        default: break
        }
    }

    @Test func `a derived feature comes with its inputs, each once`() throws {
        let directory = TemporaryDirectory()
        var definitions = ShardFixture.definitions(directory.path)
        definitions.derived = [
            .init(name: "mean_price", entity: "customer", expression: "clicks_of_customer_sum / max(clicks_of_customer_n, 1)"),
            .init(name: "relative", entity: "customer", expression: "mean_price / clicks_of_customer_sum"),
        ]
        definitions.services = [
            .init(name: "s", version: 3, entity: "customer", features: ["relative"], maxStaleness: .seconds(1)),
        ]
        let store = Store(definitions)
        store.setPartitionCounts(["clicks": 1])
        let shard = try store.openShard(0)
        defer { store.closeAll() }
        try shard.apply(
            ShardFixture.batch([
                .init(customer: "x", time: ShardFixture.noon, id: 1), .init(customer: "x", time: ShardFixture.noon, id: 1),
                .init(customer: "x", time: ShardFixture.noon + 1, id: 2, price: 300),
            ]), ShardFixture.progress(next: 3))
        let explained = try store.explain(.init(feature: "relative", key: "x", asOf: ShardFixture.noon + 1))
        #expect(explained.features.map(\.name) == ["relative", "mean_price", "clicks_of_customer_sum", "clicks_of_customer_n"])
        guard case .derived(let expression, let inputs) = explained.features[0].origin else {
            Issue.record("not derived")
            return
        }
        #expect(expression == "mean_price / clicks_of_customer_sum" && inputs == ["mean_price", "clicks_of_customer_sum"])
        #expect(explained.features[2].value.value == .decimal(units: 400, scale: 2))
        #expect(explained.shards[0].drops == [.init(stream: "clicks", duplicate: 1)])
        #expect(explained.service == nil)

        // As the service gives it: nobody has told the shard how far its topics reach.
        shard.noteEnd(stream: 0, end: 10)
        let served = try store.explain(.init(feature: "relative", key: "x", service: "s", asOf: ShardFixture.noon + 1))
        #expect(served.version == 3)
        #expect(served.features[0].value.status == .stale)
        #expect(served.features[0].reason.hasPrefix("Shard 0 is"))

        func fault(_ query: Explanation.Query) -> LookupError? {
            do throws(LookupError) { _ = try store.explain(query) } catch { return error }
            return nil
        }
        #expect(fault(.init(feature: "relativ", key: "x")) == .unknownFeature("relativ", nearest: "relative"))
        #expect(fault(.init(feature: "mean_price", key: "x", service: "s")) == .notInService("mean_price", service: "s", nearest: nil))
        #expect(fault(.init(feature: "relative", key: "x", entity: "customers")) == .unknownEntity("customers", known: ["customer", "product"]))
        #expect(fault(.init(feature: "relative", key: "x", service: "t")) == .unknownService("t", known: ["s"]))
        #expect(fault(.init(feature: "relative", key: "")) == .emptyKey)
        #expect(fault(.init(feature: "relative", key: "x", asOf: 5)) == .timeOutOfRange(5))
        let nobody = try store.explain(.init(feature: "clicks_of_customer_last", key: "nobody"))
        #expect(!nobody.found && nobody.features[0].reason.hasPrefix("No shard that was read has a row"))
    }
}

extension Explanation.StreamDrops {
    fileprivate init(stream: String, duplicate: UInt32 = 0) {
        self.init(stream: stream, duplicate: duplicate, late: 0, future: 0)
    }
}
