internal import CLMDB

/// A view of one commit. Everything it hands out lives in the mapped file, or in a memtable, until the body of `Environment.read` returns: copy what
/// must live longer.
public struct ReadTransaction: ~Copyable {
    let handle: OpaquePointer
    let environment: Environment
    /// In the mode `.writeBehind`.
    let snapshot: MemtableSnapshot?

    init(_ handle: OpaquePointer, _ environment: Environment, _ snapshot: MemtableSnapshot?) {
        (self.handle, self.environment, self.snapshot) = (handle, environment, snapshot)
    }

    /// The value of a key, or `nil`. In place: no copy, no allocation, 8-byte alignment is not promised. O(log n).
    public borrowing func get(_ table: Table, _ key: UnsafeRawBufferPointer) throws(LMDBError) -> UnsafeRawBufferPointer? {
        try lookUp(handle, snapshot, table, key, environment)
    }

    /// Calls `body` with each entry in key order, from the first key that is not less than `first`, until it answers `false`.
    public borrowing func forEach(
        _ table: Table, from first: UnsafeRawBufferPointer? = nil,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        try walk(handle, snapshot, table, first, environment, body)
    }
}

/// The one write transaction of an environment. It sees its own writes; nobody else does before the commit.
///
/// Memory from `get` and `reserve` is valid only until the next `put`, `reserve` or `delete`, which may move pages.
public struct WriteTransaction: ~Copyable {
    let handle: OpaquePointer
    let environment: Environment
    /// In the mode `.writeBehind`.
    let snapshot: MemtableSnapshot?

    init(_ handle: OpaquePointer, _ environment: Environment, _ snapshot: MemtableSnapshot?) {
        (self.handle, self.environment, self.snapshot) = (handle, environment, snapshot)
    }

    /// The value of a key, or `nil`. In place: no copy, no allocation. O(log n).
    public borrowing func get(_ table: Table, _ key: UnsafeRawBufferPointer) throws(LMDBError) -> UnsafeRawBufferPointer? {
        try lookUp(handle, snapshot, table, key, environment)
    }

    /// Sets the value of a key of 1 to 511 bytes.
    ///
    /// - Throws: `.mapFull`, `.transactionFull`, `.badSize`. After `.mapFull` or `.transactionFull` the transaction can only be
    ///   aborted: let the error leave the body.
    public borrowing func put(
        _ table: Table, _ key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    ) throws(LMDBError) {
        if let snapshot {
            let room = try snapshot.insert(table, key, byteCount: value.count, environment)
            if let source = value.baseAddress { room.baseAddress!.copyMemory(from: source, byteCount: value.count) }
            return
        }
        var mdbKey = MDB_val(key), mdbValue = MDB_val(value)
        let code = mdb_put(handle, table.handle, &mdbKey, &mdbValue, 0)
        guard code == 0 else {
            throw failure(code, "putting a value of \(value.count) bytes under a key of \(key.count) bytes", environment)
        }
    }

    /// Puts a value whose key comes after all that are in the table: pages are then filled one after another. Errors as of `put`; a key that does
    /// not come last is one, too. In the mode `.writeBehind` it is `put`.
    public borrowing func append(
        _ table: Table, _ key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    ) throws(LMDBError) {
        if snapshot != nil { return try put(table, key, value: value) }
        var mdbKey = MDB_val(key), mdbValue = MDB_val(value)
        let code = mdb_put(handle, table.handle, &mdbKey, &mdbValue, UInt32(MDB_APPEND))
        guard code == 0 else {
            throw failure(code, "appending a value of \(value.count) bytes under a key of \(key.count) bytes", environment)
        }
    }

    /// Makes room for a value and hands out its memory, so that a row can be encoded straight into the page. Fill all of it before
    /// the next operation: the old content is undefined. Errors as of `put`.
    public borrowing func reserve(
        _ table: Table, _ key: UnsafeRawBufferPointer, byteCount: Int
    ) throws(LMDBError) -> UnsafeMutableRawBufferPointer {
        guard byteCount >= 0 else { throw LMDBError(.badSize, "reserving \(byteCount) bytes", path: environment.path) }
        if let snapshot { return try snapshot.insert(table, key, byteCount: byteCount, environment) }
        var mdbKey = MDB_val(key), mdbValue = MDB_val(mv_size: byteCount, mv_data: nil)
        let code = mdb_put(handle, table.handle, &mdbKey, &mdbValue, UInt32(MDB_RESERVE))
        guard code == 0 else {
            throw failure(code, "reserving \(byteCount) bytes under a key of \(key.count) bytes", environment)
        }
        return UnsafeMutableRawBufferPointer(start: mdbValue.mv_data, count: byteCount)
    }

    /// Deletes a key; `false` if it was not there.
    @discardableResult
    public borrowing func delete(_ table: Table, _ key: UnsafeRawBufferPointer) throws(LMDBError) -> Bool {
        if let snapshot {
            guard try get(table, key) != nil else { return false }
            _ = try snapshot.insert(table, key, byteCount: -1, environment)
            return true
        }
        var mdbKey = MDB_val(key)
        let code = mdb_del(handle, table.handle, &mdbKey, nil)
        if code == MDB_NOTFOUND { return false }
        guard code == 0 else { throw failure(code, "deleting a key of \(key.count) bytes", environment) }
        return true
    }

    /// Deletes every entry of the table.
    public borrowing func clear(_ table: Table) throws {
        if let snapshot {
            try forEach(table) { key, _ in
                _ = try snapshot.insert(table, key, byteCount: -1, environment)
                return true
            }
            return
        }
        let code = mdb_drop(handle, table.handle, 0)
        guard code == 0 else { throw failure(code, "clearing a table", environment) }
    }

    /// Calls `body` with each entry in key order, from the first key that is not less than `first`, until it answers `false`.
    /// The body must not write to the table.
    public borrowing func forEach(
        _ table: Table, from first: UnsafeRawBufferPointer? = nil,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        try walk(handle, snapshot, table, first, environment, body)
    }
}

extension MDB_val {
    init(_ bytes: UnsafeRawBufferPointer) {
        self.init(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: mv_data, count: mv_size) }
}

extension MemtableSnapshot {
    /// Room for the value of a key that the commit under way sets; negative: it deletes the key.
    @inline(__always)
    fileprivate func insert(
        _ table: Table, _ key: UnsafeRawBufferPointer, byteCount: Int, _ environment: borrowing Environment
    ) throws(LMDBError) -> UnsafeMutableRawBufferPointer {
        guard 1...511 ~= key.count, byteCount <= UInt32.max else {
            throw failure(MDB_BAD_VALSIZE, "putting a value of \(byteCount) bytes under a key of \(key.count) bytes", environment)
        }
        let hash = Memtable.hash(table.handle, key)
        return tables.active.insert(table.handle, key, hash, valueCount: byteCount, commit: commit).room
    }
}

@inline(__always)
private func lookUp(
    _ transaction: OpaquePointer, _ snapshot: MemtableSnapshot?, _ table: Table, _ key: UnsafeRawBufferPointer,
    _ environment: borrowing Environment
) throws(LMDBError) -> UnsafeRawBufferPointer? {
    if let snapshot {
        switch snapshot.find(table, key) {
        case .value(let value): return value
        case .deleted: return nil
        case .absent: break
        }
    }
    var mdbKey = MDB_val(key), value = MDB_val()
    let code = mdb_get(transaction, table.handle, &mdbKey, &value)
    if code == 0 { return value.bytes }
    if code == MDB_NOTFOUND { return nil }
    throw failure(code, "getting a key of \(key.count) bytes", environment)
}

private func walk(
    _ transaction: OpaquePointer, _ snapshot: MemtableSnapshot?, _ table: Table, _ first: UnsafeRawBufferPointer?,
    _ environment: Environment, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Bool
) throws {
    guard let newer = snapshot?.entries(table, from: first), !newer.isEmpty else {
        return try walk(transaction, table, first, environment, body)
    }
    // Both are in the order of keys; of a key that both have, the memtables' value holds.
    var at = 0
    var isOver = false
    try walk(transaction, table, first, environment) { key, value in
        while at < newer.count {
            let order = KeyOrder.compare(newer[at].key, key)
            if order > 0 { break }
            defer { at += 1 }
            if let value = newer[at].value, try !body(newer[at].key, value) {
                isOver = true
                return false
            }
            if order == 0 { return true }
        }
        isOver = try !body(key, value)
        return !isOver
    }
    while !isOver, at < newer.count {
        if let value = newer[at].value, try !body(newer[at].key, value) { return }
        at += 1
    }
}

private func walk(
    _ transaction: OpaquePointer, _ table: Table, _ first: UnsafeRawBufferPointer?, _ environment: Environment,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Bool
) throws {
    var opened: OpaquePointer?
    var code = mdb_cursor_open(transaction, table.handle, &opened)
    guard code == 0, let cursor = opened else { throw failure(code, "opening a cursor", environment) }
    defer { mdb_cursor_close(cursor) }
    var key = MDB_val(), value = MDB_val()
    // LMDB has no empty key, so an empty `first` means the start.
    if let first, !first.isEmpty {
        key = MDB_val(first)
        code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE)
    } else {
        code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST)
    }
    while code == 0 {
        guard try body(key.bytes, value.bytes) else { return }
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
    }
    guard code == MDB_NOTFOUND else { throw failure(code, "walking a table", environment) }
}

/// Out of line, so that the operations stay small.
@inline(never)
private func failure(_ code: Int32, _ what: @autoclosure () -> String, _ environment: borrowing Environment) -> LMDBError {
    LMDBError(code: code, what(), path: environment.path)
}
