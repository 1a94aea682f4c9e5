internal import CLMDB
internal import Glibc

extension Environment {
    /// Runs one write transaction: commits when `body` returns, aborts when it throws. Writers of one environment take turns.
    ///
    /// On `.mapFull` (from `put`, `reserve`, `delete` or the commit) nothing was written: grow the map and run the body again.
    @available(*, noasync, message: "A transaction belongs to its thread and is short: call it from synchronous code")
    public func write<R>(_ body: (borrowing WriteTransaction) throws -> R) throws -> R {
        try lockWriter("beginning a write transaction")
        defer { writer.unlock() }
        if options.mode == .unsynced { try checkDiskReserve() }
        let handle = try beginWriting()
        let result: R
        do {
            result = try body(WriteTransaction(handle, self))
        } catch {
            mdb_txn_abort(handle)
            throw error
        }
        // "The transaction handle is freed" even if the commit fails (lmdb.h, mdb_txn_commit).
        let code = mdb_txn_commit(handle)
        guard code == 0 else { throw LMDBError(code: code, "committing", path: path) }
        return result
    }

    /// Runs one read transaction over the newest commit. Many threads may read at once, also while one writes.
    ///
    /// Waits while the map is being grown. The transaction comes from a pool; the cost beyond LMDB's own is one short lock at each end.
    @available(*, noasync, message: "A read transaction pins pages: keep it short and call it from synchronous code")
    public func read<R>(_ body: (borrowing ReadTransaction) throws -> R) throws -> R {
        let handle = try beginReading()
        defer {
            mdb_txn_reset(handle)
            gate.leave(handle)
        }
        // Named, because swiftc 6.3.1 crashes in release builds when it specializes a call with the value passed directly.
        let transaction = ReadTransaction(handle, self)
        return try body(transaction)
    }

    private func beginWriting() throws(LMDBError) -> OpaquePointer {
        guard !gate.isClosed else { throw LMDBError(.closed, "beginning a write transaction", path: path) }
        var transaction: OpaquePointer?
        var code = mdb_txn_begin(handle, nil, 0, &transaction)
        if code == MDB_MAP_RESIZED {
            try setMapBytes(0)
            code = mdb_txn_begin(handle, nil, 0, &transaction)
        }
        guard code == 0, let transaction else { throw LMDBError(code: code, "beginning a write transaction", path: path) }
        return transaction
    }

    /// Enters the gate; the caller leaves it with the handle it got.
    private func beginReading() throws(LMDBError) -> OpaquePointer {
        let (code, transaction) = tryReading()
        if let transaction { return transaction }
        guard code == MDB_MAP_RESIZED else { throw LMDBError(code: code, "beginning a read transaction", path: path) }
        // Another process grew the map past ours: "called with a size of zero to adopt the new size" (lmdb.h, mdb_env_set_mapsize).
        try adoptMapSize()
        let (secondCode, second) = tryReading()
        guard let second else { throw LMDBError(code: secondCode, "beginning a read transaction", path: path) }
        return second
    }

    private func tryReading() -> (code: Int32, transaction: OpaquePointer?) {
        var transaction: OpaquePointer?
        let code: Int32
        switch gate.enter() {
        case .pooled(let pooled):
            transaction = pooled
            code = mdb_txn_renew(pooled)
        case .fresh:
            code = mdb_txn_begin(handle, nil, UInt32(MDB_RDONLY), &transaction)
        case .refused:
            return (TransactionGate.closedCode, nil)
        }
        if code == 0 { return (0, transaction) }
        gate.leave(transaction)
        return (code, nil)
    }

    private func checkDiskReserve() throws(LMDBError) {
        guard !options.readOnly, let free = freeDiskBytes(), free < options.diskReserveBytes else { return }
        throw LMDBError(.diskFull, code: ENOSPC,
                        "a write with \(free) bytes free, below the reserve of \(options.diskReserveBytes),", path: path)
    }

    /// Free bytes of the environment's file system for this user; `nil` if it cannot say.
    public func freeDiskBytes() -> Int? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        let (bytes, overflow) = Int(clamping: status.f_bavail).multipliedReportingOverflow(by: Int(clamping: status.f_frsize))
        return overflow ? Int.max : bytes
    }
}
