import FeatureStore
import Foundation
import LMDB
import TestSupport
import Testing

/// The rows shown in docs/STORAGE.md are those that the engine writes.
@Suite struct StorageVectors {
    private static func definitions(
        ids: Bool, features: [FeatureDefinition], filter: String? = nil
    ) -> Definitions {
        Definitions(
            name: "vectors", entities: [.init(name: "customer")],
            streams: [.init(
                name: "s", topic: "s", keys: [.init(entity: "customer", path: .init("customer"))],
                time: .init(path: .init("time"), format: .epochMicroseconds), idPath: ids ? .init("id") : nil,
                allowedLateness: .hours(1), fields: [.init(name: "price", type: .decimal(scale: 2)), .init(name: "category", type: .string)])],
            views: [.init(name: "v", entity: "customer", stream: "s", filter: filter, features: features)])
    }

    private static func event(_ time: Int64, id: UInt64, price: Int64? = nil, category: String? = nil) -> OracleEvent {
        .init(stream: 0, time: time, id: id, fields: [price.map { .integer($0) }, category.map { .text($0) }])
    }

    private static let fiveMinutes = Window.sliding(length: .minutes(5), hop: .seconds(5))
    private static let hour = Window.sliding(length: .hours(1), hop: .minutes(1))

    @Test func `vector 1, a stream with ids`() throws {
        let definitions = Self.definitions(ids: true, features: [.init(name: "n", aggregation: .count(field: nil), window: Self.fiveMinutes)])
        try check("vector-1", definitions, [Self.event(1_700_000_001_500_000, id: 7), Self.event(1_700_000_003_000_000, id: 5)])
    }

    @Test func `vector 2, fixed cells, sequences and a lifetime tile`() throws {
        let definitions = Self.definitions(ids: false, features: [
            .init(name: "mean", aggregation: .mean(field: "price"), window: Self.hour),
            .init(name: "max", aggregation: .max(field: "price"), window: .lifetime),
            .init(name: "last", aggregation: .last(field: "category"), window: Self.hour),
        ])
        try check("vector-2", definitions, [
            Self.event(1_700_000_000_000_000, id: 1, price: 150, category: "hat"),
            Self.event(1_700_009_000_000_000, id: 2, price: -50),
        ])
    }

    @Test func `vector 3, variable cells`() throws {
        let definitions = Self.definitions(ids: false, features: [
            .init(name: "first", aggregation: .first(field: "category"), window: Self.fiveMinutes),
            .init(name: "distinct", aggregation: .distinctCount(field: "category"), window: Self.fiveMinutes),
            .init(name: "counts", aggregation: .countBy(by: "category", maxKeys: 1), window: Self.fiveMinutes),
        ])
        try check("vector-3", definitions, [
            Self.event(1_700_000_001_000_000, id: 1, category: "hat"), Self.event(1_700_000_002_000_000, id: 2, category: "shoe"),
        ])
    }

    @Test func `vector 5, sketches and sets`() throws {
        let aggregations: [Aggregation] = [
            .deviation(field: "price"), .timeSinceFirst, .percentile(field: "price", percent: 50_000, accuracy: 100, maxBuckets: 1024),
            .decayedCount(field: nil, halfLife: .minutes(1)), .sessionCount(gap: .seconds(1)), .streak,
        ]
        let definitions = Self.definitions(ids: false, features: aggregations.enumerated().map { i, aggregation in
            .init(name: "f\(i)", aggregation: aggregation, window: Self.fiveMinutes)
        })
        try check("vector-5", definitions, [
            Self.event(1_700_000_001_000_000, id: 1, price: 150), Self.event(1_700_000_002_000_000, id: 2, price: -50),
            Self.event(1_700_000_004_000_000, id: 3, price: 150),
        ])
    }

    @Test func `vector of kept events, retractions and attribution`() throws {
        func stream(_ name: String, ids: Bool, _ fields: [FieldDefinition], _ retracts: RetractionDefinition? = nil) -> StreamDefinition {
            .init(
                name: name, topic: name, keys: [.init(entity: "customer", path: .init("customer"))],
                time: .init(path: .init("time"), format: .epochMicroseconds), idPath: ids ? .init("id") : nil, allowedLateness: .hours(1),
                fields: fields, retracts: retracts)
        }
        let product = FieldDefinition(name: "product", type: .string)
        let exactHour = Window.sliding(length: .hours(1), hop: Window.exactHop)
        let definitions = Definitions(
            name: "vectors", entities: [.init(name: "customer")],
            streams: [
                stream("s", ids: false, [product]), stream("o", ids: true, [product, .init(name: "price", type: .decimal(scale: 2))]),
                stream("r", ids: false, [.init(name: "order", type: .string)], .init(stream: "o", field: "order")),
            ],
            views: [.init(
                name: "v", entity: "customer", stream: "o", keep: .events(max: 2),
                attribution: .init(stream: "s", match: "product", within: .hours(1)),
                features: [.init(name: "sum", aggregation: .sum(field: "price"), window: exactHour)])])
        let noon: Int64 = 1_700_000_000_000_000
        var events = [OracleEvent(stream: 0, time: noon, id: 9, fields: [.text("hat")])]
        for (i, name) in ["hat", nil, "hat"].enumerated() {
            events.append(.init(
                stream: 1, time: noon + Int64(i + 1) * 1_000_000, id: EventMemory.hash("\(i + 1)"),
                fields: [name.map { .text($0) }, .integer(Int64(i + 1) * 100)]))
        }
        events.append(.init(stream: 2, time: noon + 9_000_000, id: 8, fields: [.text("2")]))
        try check("vector-events", definitions, events)
        let rows = RowBuilder(definitions)
        let row = try rows.row(of: events, batches: [1, 1, 1, 1, 1])
        // Order 1 found no room, so nobody knows the hour in which it lies.
        #expect(try rows.values(of: [row], at: noon + 10_000_000)[0].status == .missing)
        #expect(try rows.values(of: [row], at: noon + 1_000_001 + .hours(1))[0].value == .decimal(units: 300, scale: 2))
    }

    @Test func `vector 4, the tables`() throws {
        let directory = TemporaryDirectory()
        var definitions = Self.definitions(ids: true, features: [.init(name: "n", aggregation: .count(field: nil), window: Self.fiveMinutes)])
        definitions.store.initialMapBytes = 1 << 20
        let shard = try Shard(number: 3, definitions: definitions, directory: directory.path, partitionCounts: ["s": 8])
        let batch = EventBatch(), memory = EventMemory()
        let event = Self.event(1_700_000_001_500_000, id: 7)
        for key in ["ann", "ann", "bo"] {
            memory.withValues(event, key: key) { batch.reserveValues(3).update(from: $0, count: 3) }
            batch.append(stream: 0, time: event.time, id: event.id, valueCount: 3)
        }
        batch.markLastFuture()
        var progress = ShardFixture.progress(next: 42, recordTime: 1_700_000_002_000_000)
        progress.drop(.future, stream: 0)
        try shard.apply(batch, progress)
        shard.close()

        let environment = try Environment(.init(path: directory.path + "/shard-0003", mapBytes: 1 << 20))
        defer { environment.close() }
        let rows = try environment.openTable("rows"), drops = try environment.openTable("drops"), meta = try environment.openTable("meta")
        var lines: [String] = []
        try environment.read { transaction in
            try transaction.forEach(rows) { key, _ in
                lines.append("rows \(Self.hex(Array(key)))")
                return true
            }
            try transaction.forEach(drops) { key, value in
                lines.append("drops \(Self.hex(Array(key))) \(Self.hex(Array(value)))")
                return true
            }
            try transaction.forEach(meta) { key, value in
                lines.append("meta \(String(decoding: key, as: UTF8.self)) \(Self.hex(Array(value)))")
                return true
            }
        }
        let page = try Self.block("vector-4"), store = lines.map { $0 + "\n" }.joined()
        #expect(page == store, "docs/STORAGE.md, vector-4")
    }

    private func check(_ name: String, _ definitions: Definitions, _ events: [OracleEvent]) throws {
        let row = try RowBuilder(definitions).row(of: events, batches: events.map { _ in 1 })
        let digits = try Self.block(name).split(separator: "\n").flatMap { $0.prefix { $0 != "#" }.filter { !$0.isWhitespace } }
        #expect(String(digits) == Self.hex(row), "docs/STORAGE.md, \(name)")
    }

    private static func hex(_ bytes: [UInt8]) -> String { bytes.map { String(format: "%02x", $0) }.joined() }

    /// What the page has in a fenced block.
    private static func block(_ name: String) throws -> String {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../../docs/STORAGE.md")
        let text = try String(contentsOf: page.standardizedFileURL, encoding: .utf8)
        return try #require(text.components(separatedBy: "```\(name)\n").dropFirst().first?.components(separatedBy: "```").first)
    }
}
