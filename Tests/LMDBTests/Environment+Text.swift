import LMDB
import TestSupport

extension TemporaryDirectory {
    func open(
        mapBytes: Int = 16 << 20, maxReaders: Int = 126, mode: Environment.SyncMode = .dataSynced, readOnly: Bool = false
    ) throws(LMDBError) -> Environment {
        try Environment(.init(path: path, mapBytes: mapBytes, maxReaders: maxReaders, mode: mode, readOnly: readOnly))
    }
}

extension Environment {
    func set(_ table: Table, _ key: String, _ value: String) throws {
        try write { transaction in try transaction.put(table, key, value) }
    }

    func string(_ table: Table, _ key: String) throws -> String? {
        try read { transaction in try transaction.string(table, key) }
    }
}

extension ReadTransaction {
    borrowing func string(_ table: Table, _ key: String) throws -> String? {
        try withBytes(key) { try get(table, $0) }.map { String(decoding: $0, as: UTF8.self) }
    }
}

extension WriteTransaction {
    borrowing func put(_ table: Table, _ key: String, _ value: String) throws {
        try withBytes(key) { key in try withBytes(value) { value in try put(table, key, value: value) } }
    }

    borrowing func string(_ table: Table, _ key: String) throws -> String? {
        try withBytes(key) { try get(table, $0) }.map { String(decoding: $0, as: UTF8.self) }
    }
}

func withBytes<R>(_ string: String, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try Array(string.utf8).withUnsafeBytes(body)
}
