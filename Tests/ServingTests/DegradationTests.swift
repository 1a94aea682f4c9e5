import FeatureStore
import JSONBytes
import Serving
import Synchronization
import TestSupport
import Testing

/// What a service answers when the entity has no value, when time is over, and from what it keeps.
@Suite struct DegradationTests {
    private typealias Click = LeveledStore.Click

    private func shop() throws -> LeveledStore {
        let shop = try LeveledStore()
        try shop.apply([
            Click("rich", "shoes", "p1", 15_000, id: 1), Click("poor", "bags", "p2", nil, id: 2), Click("c", "shoes", "p1", 5_000, id: 3),
            Click("d", "toys", "p3", 200, id: 4),
        ])
        return shop
    }

    private func ask(_ service: LookupService, _ keys: [String], category: String? = nil, asOf: Int64? = LeveledStore.noon) throws -> LookupAnswer {
        var request = LookupRequest(.service("offers"), keys: keys, asOf: asOf)
        if let category { request.inputs = ["page_category": .string(category)] }
        return try service.lookup(request).get()
    }

    @Test func aMissingValueComesFromTheNextLevelThatHasOne() throws {
        let shop = try shop()
        let service = LookupService(source: shop.source)
        let answer = try ask(service, ["c", "poor", "nobody"], category: "shoes")
        #expect(answer.entries[0].vector.values.map(\.value) == [.double(50), .decimal(units: 5_000, scale: 2), .int(1)])
        #expect(answer.entries[0].vector.levels == [0, 0, 0])
        // Of shoes: 150 and 50, within the bounds of the service.
        for entry in answer.entries[1...] {
            #expect(entry.vector.values.prefix(2).map(\.value) == [.double(100), .decimal(units: 5_000, scale: 2)])
            #expect(entry.vector.values.prefix(2).map(\.status) == [.fallback, .fallback])
            #expect(entry.vector.levels.prefix(2) == [1, 1])
        }
        #expect(answer.entries[1].vector.found && !answer.entries[2].vector.found)
        #expect(answer.entries[2].vector.values[2].status == .defaulted && answer.entries[2].vector.levels[2] == Vector.noLevel)
        #expect(Set(answer.positions.map(\.partition)).count == answer.positions.count)

        // No such category: the shop as a whole, 202 / 3; and the service's default where no further level has the feature.
        for category in ["nothing", nil] {
            let other = try ask(service, ["nobody"], category: category)
            #expect(other.entries[0].vector.values.map(\.value) == [.double(nearestDouble(20_200, over: 300)), .decimal(units: 999, scale: 2), .int(0)])
            #expect(other.entries[0].vector.levels == [2, Vector.noLevel, Vector.noLevel])
            #expect(other.json().text.contains(#""statuses":["fallback","defaulted","defaulted"]"#))
            #expect(other.json().text.contains(#""levels":["everyone","default","default"],"age_ms":0}"#))
        }
        let metrics = prometheusText(service.metricFamilies())
        #expect(metrics.contains("millrace_degraded_values_total{status=\"fallback\"} 6\n"))
        #expect(metrics.contains("millrace_merged_vectors_total{source=\"kept\"} 0\n"))
        let packed = try answer.packed(.float64)
        #expect(packed[6] == 1 && packed.suffix(9) == [0, 0, 0, 1, 1, 0, 1, 1, 255])
    }

    @Test func anEmptyStoreGivesDefaults() throws {
        let service = LookupService(source: try LeveledStore().source)
        let vector = try ask(service, ["c"], category: "shoes").entries[0].vector
        #expect(vector.values.map(\.value) == [.double(-1), .decimal(units: 999, scale: 2), .int(0)])
        #expect(vector.levels == [255, 255, 255])
    }

    @Test func afterTheDeadlineTheRestIsDefaults() throws {
        let shop = try shop()
        var source = shop.source
        let read = source.lookup
        source.lookup = { (plan, key, asOf, maxStaleness, vector) throws(LookupError) in
            let end = ContinuousClock.now + .milliseconds(30)
            while ContinuousClock.now < end {}
            try read(plan, key, asOf, maxStaleness, &vector)
        }
        let service = LookupService(source: source)
        let answer = try ask(service, ["c", "rich", "d", "poor"])
        #expect(answer.entries[0].vector.values[0].status == .present)
        let last = answer.entries[3].vector
        #expect(last.values.map(\.status) == [.overdue, .overdue, .overdue] && !last.found && last.shards.isEmpty)
        #expect(last.values.map(\.value) == [.double(-1), .decimal(units: 999, scale: 2), .int(0)])
        #expect(last.levels == [255, 255, 255])
        // Between levels too: what would have come from them is overdue.
        let one = try ask(service, ["nobody"], category: "nothing").entries[0].vector
        #expect(one.values.map(\.status) == [.overdue, .defaulted, .defaulted])
    }

    @Test func mergedValuesAreKeptForAWhileAndSayHowOldTheyAre() throws {
        let shop = try shop()
        let shared = Shared()
        var source = shop.source
        let read = source.lookup
        source.now = { shared.clock.withLock { $0 } }
        source.lookup = { (plan, key, asOf, maxStaleness, vector) throws(LookupError) in
            shared.reads.withLock { $0 += 1 }
            try read(plan, key, asOf, maxStaleness, &vector)
        }
        let service = LookupService(source: source)
        func ask(_ key: String = "shoes", asOf: Int64? = nil, minPosition: [SourceOffset] = []) throws -> LookupAnswer {
            try service.lookup(.init(.service("shelf"), keys: [key], asOf: asOf, minPosition: minPosition)).get()
        }
        func advance(_ milliseconds: Int64) { shared.clock.withLock { $0 += milliseconds * 1_000 } }
        let first = try ask()
        #expect(first.entries[0].vector.age == 0 && first.json().text.contains(#""age_ms":0}"#))
        try shop.apply([Click("x", "shoes", "p9", 100, id: 50), Click("y", "shoes", "p9", 100, id: 51)])
        advance(900)
        Thread.pause()
        let kept = try ask()
        #expect(kept.entries[0].vector.values == first.entries[0].vector.values && kept.entries[0].vector.age == 900_000)
        #expect(kept.json().text.contains(#""age_ms":900}"#) && kept.asOf == LeveledStore.noon + 900_000)
        // Where the shards stood then, not now; and as old as that.
        #expect(kept.positions == first.positions && kept.freshness == 900_000)
        #expect(shared.reads.withLock { $0 } == 1)
        // From half of the age on one request reads it anew.
        advance(200)
        #expect(try ask().entries[0].vector.values[0].value == .decimal(units: 100, scale: 2))
        #expect(shared.reads.withLock { $0 } == 2)
        advance(500)
        #expect(try ask().entries[0].vector.age == 500_000)
        // Never older than the bound, not from the future, and not for another time than now.
        advance(1_501)
        #expect(try ask().entries[0].vector.age == 0)
        advance(-5_000)
        #expect(try ask().entries[0].vector.age == 0)
        let before = shared.reads.withLock { $0 }
        #expect(try ask(asOf: LeveledStore.noon + 1).entries[0].vector.age == 0)
        #expect(shared.reads.withLock { $0 } == before + 1)
        // Nor older than the position that was asked for: a kept one may be.
        #expect(try ask(minPosition: [SourceOffset(topic: "clicks", partition: 0, offset: 1)]).entries[0].vector.age == 0)
        #expect(shared.reads.withLock { $0 } == before + 2)
        // Bounded: three entries.
        for i in 0..<20 { _ = try ask("k\(i)") }
        #expect(try ask("k19").entries[0].vector.age == 0)
        // The customers' rows are no merged ones: no age.
        #expect(try service.lookup(.init(.features(["clicks_lifetime"]), keys: ["c"])).get().json().text.contains("age_ms") == false)
    }

    @Test func feastGetsAServiceWithoutItsInputs() throws {
        let service = LookupService(source: try shop().source)
        let body = Array(#"{"feature_service":"context","entities":{"customer":["c","nobody"]}}"#.utf8)
        let request = try body.withUnsafeBytes { try FeastRequest(json: $0, maxRows: 10) }
        let answer = try service.feast(request)
        #expect(answer.columns.map(\.name) == ["clicks_lifetime", "last_product_lifetime"])
        #expect(answer.columns.map { answer.value($0, row: 0).value } == [.int(1), .string("p1")])
        #expect(answer.columns.map { answer.value($0, row: 1).value } == [.int(0), .string("none")])
    }

    @Test func topProductsOverallAndPerCategory() throws {
        let shop = try shop()
        let service = LookupService(source: shop.source)
        func top(_ name: String, _ key: String) throws -> String { try service.lookup(.init(.service(name), keys: [key], asOf: LeveledStore.noon)).get().json().text }
        #expect(try top("trending", "shop").contains(#""values":[4,[{"count":2,"share":0.5,"value":"p1"},{"count":1,"share":0.25,"value":"p2"}]]"#))
        let shoes = try top("shelf", "shoes")
        #expect(shoes.contains(#"[{"count":2,"share":1.0,"value":"p1"}]"#), "\(shoes)")
        guard case .failure(let problem) = service.lookup(.init(.service("trending"), keys: ["c1"])) else {
            Issue.record("answered")
            return
        }
        #expect(problem.kind == .badKey && problem.remedy == "Give the key \"shop\".")
    }
}

private final class Shared: Sendable {
    let clock = Mutex(LeveledStore.noon)
    let reads = Mutex(0)
}

private enum Thread {
    /// Longer than shard statuses are remembered.
    static func pause() {
        let end = ContinuousClock.now + .milliseconds(4)
        while ContinuousClock.now < end {}
    }
}
