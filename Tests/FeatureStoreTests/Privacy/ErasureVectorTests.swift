import FeatureStore
import Foundation
import LMDB
import TestSupport
import Testing

/// What docs/STORAGE.md shows of the table `erased` is what the engine writes. Its pseudonyms were made with OpenSSL.
@Suite struct ErasureVectorTests {
    @Test func `vector 6, erasures and pseudonyms`() throws {
        let directory = TemporaryDirectory()
        var definitions = Definitions(
            name: "vectors", entities: [.init(name: "customer")],
            streams: [.init(
                name: "s", topic: "s", keys: [.init(entity: "customer", path: .init("customer"))],
                time: .init(path: .init("time"), format: .epochMicroseconds), idPath: .init("id"), allowedLateness: .hours(1),
                fields: [.init(name: "price", type: .decimal(scale: 2)), .init(name: "category", type: .string)])],
            views: [.init(name: "v", entity: "customer", stream: "s", features: [
                .init(name: "n", aggregation: .count(field: nil), window: .sliding(length: .minutes(5), hop: .seconds(5)))])])
        definitions.store.initialMapBytes = 1 << 20
        definitions.store.directory = directory.path
        definitions.privacy.key = PseudonymKey(hexadecimal: "000102030405060708090a0b0c0d0e0f")
        definitions.privacy.erasures = ErasureSettings(topic: "e")
        definitions.privacy.erasures?.entities = ["customer"]
        definitions.entities[0].isPseudonymous = true
        let whole = definitions.withErasureStream()
        let shard = try Shard(number: 0, definitions: whole, directory: directory.path, partitionCounts: ["s": 8, "e": 1])
        let batch = EventBatch(), memory = EventMemory()
        for key in ["ann", "bo"] {
            memory.withValues(.init(stream: 0, time: 1_700_000_001_500_000, id: 7, fields: [nil, nil]), key: key) {
                batch.reserveValues(3).update(from: $0, count: 3)
            }
            batch.append(stream: 0, time: 1_700_000_001_500_000, id: 7, valueCount: 3)
        }
        var progress = BatchProgress(streamCount: 2)
        progress.positions[0] = .init(nextOffset: 42, newestRecordTime: 1_700_000_002_000_000)
        try shard.apply(batch, progress)
        batch.reset()
        progress.reset()
        memory.withValues(.init(stream: 1, time: 0, id: 0, fields: [.text("customer"), .text("r1")]), key: "ann") {
            batch.reserveValues(3).update(from: $0, count: 3)
        }
        batch.append(stream: 1, time: 1_700_000_004_000_000, id: 0, valueCount: 3)
        progress.positions[1] = .init(nextOffset: 1, newestRecordTime: 1_700_000_004_000_000)
        try shard.apply(batch, progress)
        shard.close()

        let environment = try Environment(.init(path: directory.path + "/shard-0000", mapBytes: 1 << 20))
        defer { environment.close() }
        var lines: [String] = []
        let known = ["count/s", "entity/", "format", "partitions/s", "position/s", "stream/", "view/", "purge"]
        for name in ["rows", "erased", "meta"] {
            let table = try environment.openTable(name)
            try environment.read { transaction in
                try transaction.forEach(table) { key, value in
                    let text = String(decoding: key, as: UTF8.self)
                    if name == "rows" { lines.append("rows \(Self.hex(key))") }
                    if name == "erased" { lines.append("erased \(Self.hex(key)) \(Self.hex(value))") }
                    if name == "meta", !known.contains(where: { text.hasPrefix($0) }) { lines.append("meta \(text) \(value.isEmpty ? "-" : Self.hex(value))") }
                    return true
                }
            }
        }
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../../docs/STORAGE.md")
        let text = try String(contentsOf: page.standardizedFileURL, encoding: .utf8)
        let expected = try #require(text.components(separatedBy: "```vector-6\n").dropFirst().first?.components(separatedBy: "```").first)
        #expect(lines.map { $0 + "\n" }.joined() == expected, "docs/STORAGE.md, vector-6")
    }

    private static func hex(_ bytes: UnsafeRawBufferPointer) -> String { bytes.map { String(format: "%02x", $0) }.joined() }
}
