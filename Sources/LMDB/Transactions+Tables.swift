internal import CLMDB

/// What copies of a whole environment need: which tables there are, how large they are, and writing in key order.
extension ReadTransaction {
    /// The names of all tables of this commit, in order.
    public borrowing func tableNames() throws -> [String] {
        var names: [String] = []
        // The named tables are the entries of LMDB's main table, which has handle 1 and is always open (lmdb.h, mdb_dbi_open).
        try forEach(Table(handle: 1)) { name, _ in
            names.append(String(decoding: name, as: UTF8.self))
            return true
        }
        return names
    }

    /// The number of entries of a table in this commit. O(1).
    public borrowing func entryCount(_ table: Table) throws(LMDBError) -> Int {
        var status = MDB_stat()
        let code = mdb_stat(handle, table.handle, &status)
        guard code == 0 else { throw LMDBError(code: code, "counting a table", path: environment.path) }
        return status.ms_entries
    }
}

extension WriteTransaction {
    /// Puts an entry behind all that the table has, without searching its place; pages are filled to the brim.
    ///
    /// - Throws: `.other(MDB_KEYEXIST)` when the key does not come after the last one; besides as `put`.
    public borrowing func append(
        _ table: Table, _ key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    ) throws(LMDBError) {
        var mdbKey = MDB_val(key), mdbValue = MDB_val(value)
        let code = mdb_put(handle, table.handle, &mdbKey, &mdbValue, UInt32(MDB_APPEND))
        guard code == 0 else {
            throw LMDBError(code: code, "appending a value of \(value.count) bytes under a key of \(key.count) bytes", path: environment.path)
        }
    }
}
