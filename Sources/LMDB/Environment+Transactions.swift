internal import CLMDB
internal import Glibc

extension Environment {
    /// Runs one write transaction: commits when `body` returns, aborts when it throws. Writers of one environment take turns.
    ///
    /// On `.mapFull` (from `put`, `reserve`, `delete` or the commit) nothing was written: grow the map and run the body again.
    @available(*, noasync, message: "A transaction belongs to its thread and is short: call it from synchronous code")
    public func write<R>(_ body: (borrowing WriteTransaction) throws -> R) throws -> R {
        if let flusher { return try writeBehind(flusher, body) }
        try lockWriter("beginning a write transaction")
        defer { writer.unlock() }
        if options.readOnly { throw LMDBError(code: EACCES, "writing to a read-only environment", path: path) }
        let handle = try beginExclusively("beginning a write transaction")
        let result: R
        do {
            let transaction = WriteTransaction(handle, self, nil)
            result = try body(transaction)
        } catch {
            mdb_txn_abort(handle)
            throw error
        }
        // "The transaction handle is freed" even if the commit fails (lmdb.h, mdb_txn_commit).
        let code = mdb_txn_commit(handle)
        guard code == 0 else { throw LMDBError(code: code, "committing", path: path) }
        return result
    }

    /// The same into the memtable: LMDB is only read.
    private func writeBehind<R>(_ flusher: Flusher, _ body: (borrowing WriteTransaction) throws -> R) throws -> R {
        try flusher.admit()
        try lockWriter("beginning a write transaction")
        defer { writer.unlock() }
        let (handle, seen) = try beginReading()
        defer { endReading(handle) }
        guard var snapshot = seen else { throw LMDBError(.closed, "beginning a write transaction", path: path) }
        snapshot.commit += 1
        let memtable = snapshot.tables.active
        let result: R
        do {
            let transaction = WriteTransaction(handle, self, snapshot)
            result = try body(transaction)
        } catch {
            memtable.endCommit(keeping: false)
            flusher.committed(memtable)
            throw error
        }
        memtable.endCommit(keeping: true)
        gate.publish(snapshot.commit)
        flusher.committed(memtable)
        return result
    }

    /// Runs one read transaction over the newest commit. Many threads may read at once, also while one writes.
    ///
    /// Waits while the map is being grown. The transaction comes from a pool; the cost beyond LMDB's own is one short lock at
    /// each end.
    @available(*, noasync, message: "A read transaction pins pages: keep it short and call it from synchronous code")
    public func read<R>(_ body: (borrowing ReadTransaction) throws -> R) throws -> R {
        let (handle, snapshot) = try beginReading()
        defer { endReading(handle) }
        let transaction = ReadTransaction(handle, self, snapshot)
        return try body(transaction)
    }

    /// Begins a transaction outside the gate: a write, or in a read-only environment a read. The caller holds a lock that
    /// keeps the map in place.
    func beginExclusively(_ what: @autoclosure () -> String) throws(LMDBError) -> OpaquePointer {
        guard !gate.isClosed else { throw LMDBError(.closed, what(), path: path) }
        let flags = options.readOnly ? UInt32(MDB_RDONLY) : 0
        var transaction: OpaquePointer?
        var code = mdb_txn_begin(handle, nil, flags, &transaction)
        if code == MDB_MAP_RESIZED {
            try setMapBytes(0)
            code = mdb_txn_begin(handle, nil, flags, &transaction)
        }
        guard code == 0, let transaction else { throw LMDBError(code: code, what(), path: path) }
        return transaction
    }

    /// Enters the gate; the caller leaves it with `endReading`.
    private func beginReading() throws(LMDBError) -> (OpaquePointer, MemtableSnapshot?) {
        while true {
            let (code, transaction, snapshot) = tryReading()
            if let transaction {
                // LMDB must not be ahead of what was seen of the memtables, or one read would find two commits.
                if let snapshot, let flusher, flusher.hasPassed(snapshot.tables) {
                    endReading(transaction)
                    continue
                }
                return (transaction, snapshot)
            }
            guard code == MDB_MAP_RESIZED else { throw LMDBError(code: code, "beginning a read transaction", path: path) }
            // Another process grew the map past ours: "called with a size of zero to adopt the new size" (lmdb.h, mdb_env_set_mapsize).
            try adoptMapSize()
        }
    }

    private func endReading(_ transaction: OpaquePointer) {
        mdb_txn_reset(transaction)
        gate.leave(transaction)
    }

    private func tryReading() -> (code: Int32, transaction: OpaquePointer?, snapshot: MemtableSnapshot?) {
        guard case .admitted(let pooled, let snapshot) = gate.enter() else { return (TransactionGate.closedCode, nil, nil) }
        var transaction = pooled
        let code = pooled.map { mdb_txn_renew($0) } ?? mdb_txn_begin(handle, nil, UInt32(MDB_RDONLY), &transaction)
        if code == 0 { return (0, transaction, snapshot) }
        gate.leave(transaction)
        return (code, nil, nil)
    }
}
