import FeatureStore
import Foundation
import LMDB
import TestSupport

/// Stores with a few shards, and their snapshots.
struct SnapshotFixture {
    static let shards = 3
    let directory = TemporaryDirectory()
    var store: String { directory.file("data") }
    var snapshot: String { directory.file("snapshot") }
    var definitions: Definitions { ShardFixture.definitions(store) }

    /// Applies clicks `from..<to` of each shard; some of them twice, so that something is dropped.
    static func fill(_ definitions: Definitions, from: Int, to: Int) throws {
        let store = Store(definitions)
        store.setPartitionCounts(["clicks": shards])
        defer { store.closeAll() }
        for number in 0..<shards {
            let shard = try store.openShard(number)
            for start in stride(from: from, to: to, by: 500) {
                let clicks = (start..<min(start + 500, to)).map { click($0, of: number) }
                try shard.apply(ShardFixture.batch(clicks), ShardFixture.progress(next: Int64(start + clicks.count)))
            }
        }
    }

    /// One in fifty has the id of the one before.
    private static func click(_ n: Int, of shard: Int) -> ShardFixture.Click {
        let id: Int = n % 50 == 7 ? n - 1 : n
        let time: Int64 = ShardFixture.noon + Int64(n) * 1_000_000
        return ShardFixture.Click(
            customer: "customer-\(shard)-\(n % 2_000)", time: time, id: UInt64(id), price: Int64(n % 97), category: "category \(n % 13)")
    }

    /// Every entry of every table of the live shards: shard -> table -> key -> value.
    static func contents(_ store: String) throws -> [Int: [String: [[UInt8]: [UInt8]]]] {
        var all: [Int: [String: [[UInt8]: [UInt8]]]] = [:]
        for number in Store.shardNumbers(in: store) { all[number] = try contents(shard: Shard.path(store, number)) }
        return all
    }

    static func contents(shard path: String) throws -> [String: [[UInt8]: [UInt8]]] {
        let environment = try Environment(.init(path: path, mapBytes: 1 << 20, maxTables: 64, readOnly: true))
        defer { environment.close() }
        var tables: [String: [[UInt8]: [UInt8]]] = [:]
        for name in try environment.read({ try $0.tableNames() }) {
            let table = try environment.openTable(name)
            var entries: [[UInt8]: [UInt8]] = [:]
            try environment.read { transaction in
                try transaction.forEach(table) { key, value in
                    entries[Array(key)] = Array(value)
                    return true
                }
            }
            tables[name] = entries
        }
        return tables
    }

    static func position(_ definitions: Definitions, _ number: Int) throws -> Int64? {
        let store = Store(definitions)
        defer { store.closeAll() }
        store.setPartitionCounts(["clicks": shards])
        return try store.openShard(number).nextOffset(stream: 0)
    }

    /// Names in a directory.
    static func names(_ directory: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
    }

    /// The snapshot in a directory.
    static func files(_ store: String, to path: String, blockBytes: Int) throws {
        var options = Snapshot.Options()
        options.blockBytes = blockBytes
        try Snapshot.write(store: store, to: .directory(path), options: options)
    }

    /// The snapshot as one stream, in a file.
    static func stream(_ store: String, to path: String, compressed: Bool = true, blockBytes: Int = 1 << 20) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil), let file = FileHandle(forWritingAtPath: path) else { return }
        var options = Snapshot.Options()
        options.isCompressed = compressed
        options.blockBytes = blockBytes
        try Snapshot.write(store: store, to: .stream(file.fileDescriptor, name: path), options: options)
        try file.close()
    }
}
