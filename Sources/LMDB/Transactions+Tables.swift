internal import CLMDB

/// What copies of a whole environment need: which tables there are, and how large they are.
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

    /// The number of entries of a table in this commit. O(1), and O(n log n) for the n entries of the memtables.
    public borrowing func entryCount(_ table: Table) throws(LMDBError) -> Int {
        var status = MDB_stat()
        let code = mdb_stat(handle, table.handle, &status)
        guard code == 0 else { throw LMDBError(code: code, "counting a table", path: environment.path) }
        var count = status.ms_entries
        for entry in snapshot?.entries(table, from: nil) ?? [] {
            var key = MDB_val(entry.key), value = MDB_val()
            let code = mdb_get(handle, table.handle, &key, &value)
            guard code == 0 || code == MDB_NOTFOUND else { throw LMDBError(code: code, "counting a table", path: environment.path) }
            count += (entry.value == nil ? 0 : 1) - (code == 0 ? 1 : 0)
        }
        return count
    }
}
