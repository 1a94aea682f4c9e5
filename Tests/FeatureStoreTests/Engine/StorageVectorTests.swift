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

    @Test func `vector 4, the tables`() throws {
        let directory = TemporaryDirectory()
        var definitions = Self.definitions(ids: true, features: [.init(name: "n", aggregation: .count(field: nil), window: Self.fiveMinutes)])
        definitions.store.initialMapBytes = 1 << 20
        let shard = try Shard(number: 3, definitions: definitions, directory: directory.path, partitionCounts: ["s": 8])
        let batch = EventBatch(), memory = EventMemory()
        let event = Self.event(1_700_000_001_500_000, id: 7)
        memory.withValues(event, key: "ann") { batch.reserveValues(3).update(from: $0, count: 3) }
        batch.append(stream: 0, time: event.time, id: event.id, valueCount: 3)
        try shard.apply(batch, ShardFixture.progress(next: 42, recordTime: 1_700_000_002_000_000))
        shard.close()

        let environment = try Environment(.init(path: directory.path + "/shard-0003", mapBytes: 1 << 20))
        defer { environment.close() }
        let rows = try environment.openTable("rows"), meta = try environment.openTable("meta")
        var lines: [String] = []
        try environment.read { transaction in
            try transaction.forEach(rows) { key, _ in
                lines.append("rows \(Self.hex(Array(key)))")
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
        let row = try RowBuilder(definitions).row(of: events, batches: [1, 1])
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
