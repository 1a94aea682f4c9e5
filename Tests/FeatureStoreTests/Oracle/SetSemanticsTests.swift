import FeatureStore
import TestSupport
import Testing

/// Rows are functions of the *set* of accepted events: order, repetition, batches and reloading must not change a byte.
@Suite struct SetSemantics {
    @Test(arguments: 0..<8)
    func `any order, repetition and batching gives the same bytes`(chunk: Int) throws {
        for seed in UInt64(chunk * 500)..<UInt64(chunk * 500 + 500) {
            guard try Self.givesTheSameBytes(Scenario(seed: seed, withinLateness: true)) else { return }
        }
    }

    @Test(arguments: 0..<8)
    func `any order gives the same bytes where events are kept, retracted and attributed`(chunk: Int) throws {
        for seed in UInt64(chunk * 500)..<UInt64(chunk * 500 + 500) {
            guard try Self.givesTheSameBytes(Scenario(keepingEvents: seed, withinLateness: true)) else { return }
        }
    }

    private static func givesTheSameBytes(_ scenario: Scenario) throws -> Bool {
        var random = SeededGenerator(seed: scenario.seed)
        let rows = RowBuilder(scenario.definitions)
        let expected = try rows.row(of: scenario.events, batches: [scenario.events.count])
        for variant in 0..<3 {
            var events = scenario.events
            for event in scenario.events where scenario.definitions.streams[event.stream].idPath != nil && random.one(in: 3) {
                events.append(event)
            }
            events.shuffle(using: &random)
            var batches: [Int] = []
            while batches.reduce(0, +) < events.count { batches.append(random.int(1...(variant == 0 ? 1 : 20))) }
            let row = try rows.row(of: events, batches: batches)
            guard row == expected else {
                Issue.record("seed \(scenario.seed), variant \(variant): \(events.count) events give other bytes in another order")
                return false
            }
        }
        return true
    }

    /// Two shards that each saw a part of the events answer together what one shard answers that saw all of them.
    @Test(arguments: 0..<8)
    func `rows of two shards together give the values of one row`(chunk: Int) throws {
        for seed in UInt64(chunk * 500)..<UInt64(chunk * 500 + 500) {
            guard try Self.mergesToTheSameValues(Scenario(seed: seed, withinLateness: true)) else { return }
        }
    }

    @Test(arguments: 0..<8)
    func `rows of two shards together give the values of one where events are kept, retracted and attributed`(chunk: Int) throws {
        for seed in UInt64(chunk * 500)..<UInt64(chunk * 500 + 500) {
            guard try Self.mergesToTheSameValues(Scenario(keepingEvents: seed, withinLateness: true, isCut: false)) else { return }
        }
    }

    private static func mergesToTheSameValues(_ given: Scenario) throws -> Bool {
        var scenario = given
        for view in scenario.definitions.views.indices {
            for feature in scenario.definitions.views[view].features.indices {
                scenario.definitions.views[view].features[feature].ttl = nil
            }
        }
        var random = SeededGenerator(seed: scenario.seed)
        let rows = RowBuilder(scenario.definitions)
        let parts = [scenario.events.filter { $0.id % 2 == 0 }, scenario.events.filter { $0.id % 2 == 1 }]
        let split = try parts.filter { !$0.isEmpty }.map { try rows.row(of: $0, batches: [$0.count]) }
        let whole = try rows.row(of: scenario.events, batches: [scenario.events.count])
        let newest = scenario.events.map(\.time).max()!
        for time in [newest, newest + 1, newest + random.int64(0 ... .hours(5)), newest + random.int64(0 ... .days(100))] {
            let one = try rows.values(of: [whole], at: time)
            for order in [split, split.reversed()] {
                for (i, (merged, expected)) in zip(try rows.values(of: order, at: time), one).enumerated() {
                    // A part whose newest event is older may still know of an event that the whole row has forgotten.
                    let newestFits = merged.newestEventTime == expected.newestEventTime || expected.newestEventTime == nil
                    if merged.value == expected.value, merged.status == expected.status, newestFits { continue }
                    Issue.record("seed \(scenario.seed) at \(time): \(rows.catalog.features[i].source)\n merged \(merged)\n one row \(expected)")
                    return false
                }
            }
        }
        return true
    }
}

/// Builds rows and reads them with the engine.
struct RowBuilder {
    let catalog: Catalog
    let plan: EntityPlan
    let read: ReadPlan
    private let memory = EventMemory()

    init(_ definitions: Definitions) {
        catalog = Catalog(definitions)
        plan = catalog.entities[0]
        read = ReadPlan(features: Array(catalog.features.indices), catalog: catalog, entity: 0)
    }

    /// The row after `events`, stored and loaded again after each of `batches` (numbers of events).
    func row(of events: [OracleEvent], batches: [Int], after stored: [UInt8] = []) throws -> [UInt8] {
        let editor = RowEditor(plan: plan)
        var row = stored
        var rest = events[...]
        for count in batches where !rest.isEmpty {
            try row.withUnsafeBytes { bytes throws in try editor.begin(bytes.isEmpty ? nil : bytes) }
            for event in rest.prefix(count) {
                let stream = plan.streams.firstIndex { $0.index == event.stream }!
                _ = memory.withValues(event) { editor.apply(stream: stream, time: event.time, id: event.id, values: $0) }
            }
            if let bytes = editor.finish() { row = Array(bytes) }
            rest = rest.dropFirst(count)
        }
        return row
    }

    /// The values of all features, merged over `rows`.
    func values(of rows: [[UInt8]], at time: Int64) throws -> [FeatureValue] {
        let copies = rows.map { row in
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: row.count, alignment: 16)
            copy.copyBytes(from: row)
            return copy
        }
        defer { for copy in copies { copy.deallocate() } }
        return try RowReader.values(
            read, rows: copies.map { .init(bytes: UnsafeRawBufferPointer($0), plan: plan) }, at: time)
    }
}
