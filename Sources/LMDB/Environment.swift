internal import CLMDB
internal import Glibc

/// One LMDB environment: a directory with a memory-mapped B+tree of a few tables, one writer and many readers at once.
///
/// LMDB is a copy-on-write tree. A writer never disturbs a reader: each read transaction sees the last commit before it began,
/// in place in the mapped file, without a lock and without a copy. A commit is atomic.
///
///     let environment = try Environment(.init(path: "data/shard-0", mapBytes: 1 << 30, mode: .dataSynced))
///     let rows = try environment.openTable("rows")
///     try environment.write { transaction in
///         try transaction.put(rows, key, value: value)
///     }
///     let bytes = try environment.read { transaction in
///         try transaction.get(rows, key).map { Array($0) }    // copy: the memory is the transaction's
///     }
///
/// Bodies are synchronous on purpose: a read transaction that lives across an `await` pins old pages and lets the file grow, and
/// a write transaction belongs to its thread. Transactions of one environment do not nest on a thread, except a read inside a
/// write.
public final class Environment: Sendable {
    /// What a commit promises after a crash.
    public enum SyncMode: Sendable, Hashable {
        /// Nothing waits for the disk: commits are kept in memory, where this process reads them, and taken to LMDB by a thread about once a second (`Flusher`). A crash of
        /// the process or of the system undoes the newest commits and never corrupts. Other processes see what LMDB has.
        case writeBehind
        /// Data pages are synced on each commit, the meta page with the next one (`MDB_NOMETASYNC`): a system crash may undo the
        /// newest commit but never corrupts.
        case dataSynced
        /// Nothing is synced and pages are written through the map (`MDB_NOSYNC | MDB_WRITEMAP`): the fastest, and a system crash
        /// may corrupt the file. The whole map has its blocks on the disk before it is used (`Environment+Blocks.swift`), because a full
        /// disk would reach the process as `SIGBUS` otherwise: the file is as large as the map, and `grow` may throw `.diskFull`.
        case unsynced
    }

    public struct Options: Sendable {
        /// A directory; it is created with its parents unless `readOnly`.
        public var path: String
        /// The most bytes the file may take; rounded up to whole pages. Address space, not memory. A file that holds more is
        /// opened with what it needs.
        public var mapBytes: Int
        /// The most read transactions at once, counted over all processes and with the pooled ones.
        public var maxReaders: Int
        public var maxTables: Int
        public var mode: SyncMode
        public var readOnly: Bool
        /// False: in the mode `.writeBehind` only `sync` flushes.
        package var flushesByItself = true

        public init(path: String, mapBytes: Int, maxReaders: Int = 126, maxTables: Int = 8, mode: SyncMode = .dataSynced,
                    readOnly: Bool = false) {
            (self.path, self.mapBytes, self.maxReaders, self.maxTables) = (path, mapBytes, maxReaders, maxTables)
            (self.mode, self.readOnly) = (mode, readOnly)
        }
    }

    public let options: Options
    public var path: String { options.path }

    nonisolated(unsafe) let handle: OpaquePointer
    let gate = TransactionGate()
    /// Held by whoever writes to the data file or moves the map. Never taken by who holds the writer lock.
    let file = WriterLock()
    let writer = WriterLock()
    private let directory: OpenDirectories.Identity
    /// In the mode `.writeBehind`.
    let flusher: Flusher?

    /// Opens the directory, creating it if need be.
    ///
    /// - Throws: `.alreadyOpen`, `.corrupted`, `.versionMismatch`, or the operating system's refusal.
    public init(_ options: Options) throws(LMDBError) {
        self.options = options
        let path = options.path
        if !options.readOnly { try OpenDirectories.create(path) }
        directory = try OpenDirectories.claim(path)
        do throws(LMDBError) {
            let handle = try Self.open(options)
            do throws(LMDBError) {
                flusher = options.readOnly || options.mode != .writeBehind ? nil : try Flusher(
                    handle, path: path, file: file, writer: writer, gate: gate, isAutomatic: options.flushesByItself)
            } catch {
                mdb_env_close(handle)
                throw error
            }
            self.handle = handle
        } catch {
            OpenDirectories.release(directory)
            throw error
        }
    }

    deinit { close() }

    private static func open(_ options: Options) throws(LMDBError) -> OpaquePointer {
        let path = options.path
        guard let maxReaders = UInt32(exactly: options.maxReaders), let maxTables = UInt32(exactly: options.maxTables),
              let mapBytes = wholePages(options.mapBytes) else {
            throw LMDBError(.other, code: EINVAL, "opening with mapBytes \(options.mapBytes), maxReaders \(options.maxReaders), "
                + "maxTables \(options.maxTables)", path: path)
        }
        var created: OpaquePointer?
        var code = mdb_env_create(&created)
        guard code == 0, let handle = created else { throw LMDBError(code: code, "creating the handle", path: path) }
        // NOTLS: a read transaction belongs to its object and not to its thread, so that it can be pooled.
        // NORDAHEAD: lookups are random; reading ahead would evict what is hot.
        var flags = UInt32(MDB_NOTLS | MDB_NORDAHEAD)
        if options.readOnly {
            flags |= UInt32(MDB_RDONLY)
        } else {
            switch options.mode {
            case .writeBehind: break
            case .dataSynced: flags |= UInt32(MDB_NOMETASYNC)
            case .unsynced: flags |= UInt32(MDB_NOSYNC | MDB_WRITEMAP)
            }
        }
        code = allocateLockFile(path, maxReaders: options.maxReaders, create: !options.readOnly)
        guard code == 0 else {
            mdb_env_close(handle)
            throw LMDBError(code: code, "making the lock file", path: path)
        }
        code = mdb_env_set_mapsize(handle, mapBytes)
        if code == 0 { code = mdb_env_set_maxreaders(handle, maxReaders) }
        if code == 0 { code = mdb_env_set_maxdbs(handle, maxTables) }
        if code == 0 { code = mdb_env_open(handle, path, flags, 0o640) }
        guard code == 0 else {
            mdb_env_close(handle)
            throw LMDBError(code: code, "opening the environment", path: path)
        }
        if !options.readOnly, options.mode == .unsynced {
            code = allocateMap(handle)
            guard code == 0 else {
                mdb_env_close(handle)
                throw LMDBError(code: code, "allocating the map", path: path)
            }
        }
        return handle
    }

    /// Opens a table, creating it unless the environment is read-only. Call it once for each table, at the start.
    ///
    /// - Parameter create: false: one that does not exist is an error.
    /// - Throws: `.missingTable` in a read-only environment; `.other(MDB_DBS_FULL)` past `maxTables`.
    public func openTable(_ name: String, create: Bool = true) throws(LMDBError) -> Table {
        // "This function must not be called from multiple concurrent transactions in the same process" (lmdb.h, mdb_dbi_open).
        try lockFile("opening table \"\(name)\"")
        defer { file.unlock() }
        try lockWriter("opening table \"\(name)\"")
        defer { writer.unlock() }
        let transaction = try beginExclusively("opening table \"\(name)\"")
        var table: MDB_dbi = 0
        var code = mdb_dbi_open(transaction, name, options.readOnly || !create ? 0 : UInt32(MDB_CREATE), &table)
        if code == 0 { code = mdb_txn_commit(transaction) } else { mdb_txn_abort(transaction) }
        if code == MDB_NOTFOUND { throw LMDBError(.missingTable, code: code, "opening table \"\(name)\"", path: path) }
        guard code == 0 else { throw LMDBError(code: code, "opening table \"\(name)\"", path: path) }
        return Table(handle: table)
    }

    /// Closes the environment: waits for running transactions, refuses new ones. Closing twice is fine. Do not call it inside a
    /// transaction. It syncs nothing: call `sync` before.
    ///
    /// - Parameter flushing: false: in the mode `.writeBehind` commits that LMDB does not have are dropped, as in a crash.
    public func close(flushing: Bool = true) {
        var code = writer.lock()
        precondition(code == 0, "Environment.close() called inside a write transaction on \(path)")
        writer.unlock()
        flusher?.stop()
        if flushing, !gate.isClosed { try? flush() }  // What does not go in now is lost as in a crash; `sync` says why.
        code = file.lock()
        precondition(code == 0, "Environment.close() called inside a flush of \(path)")
        defer { file.unlock() }
        _ = writer.lock()
        defer { writer.unlock() }
        guard let pool = gate.close() else { return }
        for transaction in pool { mdb_txn_abort(transaction) }
        mdb_env_close(handle)
        OpenDirectories.release(directory)
    }

    func lockWriter(_ what: @autoclosure () -> String) throws(LMDBError) {
        let code = writer.lock()
        guard code == 0 else { throw LMDBError(code: code, what(), path: path) }
    }

    func lockFile(_ what: @autoclosure () -> String) throws(LMDBError) {
        let code = file.lock(outsideOf: writer)
        guard code == 0 else { throw LMDBError(code: code, what(), path: path) }
    }

    /// Rounds up to whole pages; `nil` when that is not a positive `Int`.
    static func wholePages(_ bytes: Int) -> Int? {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let (sum, overflow) = bytes.addingReportingOverflow(page - 1)
        return overflow || bytes <= 0 ? nil : sum / page * page
    }
}
