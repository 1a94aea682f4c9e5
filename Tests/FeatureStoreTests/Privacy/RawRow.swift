import LMDB

/// Writes bytes that the engine would not.
enum RawRow {
    static func put(_ row: [UInt8], key: [UInt8], in directory: String) throws {
        let environment = try Environment(.init(path: directory, mapBytes: 1 << 20))
        defer { environment.close() }
        let rows = try environment.openTable("rows")
        try environment.write { transaction in
            try key.withUnsafeBytes { key in try row.withUnsafeBytes { try transaction.put(rows, key, value: $0) } }
        }
    }
}
