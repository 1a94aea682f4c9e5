internal import CLMDB
internal import Glibc

extension Environment {
    /// The state of an environment at one moment.
    public struct Info: Equatable, Sendable {
        /// The size of the map, the most the file may take.
        public var mapBytes: Int
        /// The end of the highest page ever used; never shrinks, because freed pages are reused and not given back.
        public var usedBytes: Int
        public var pageBytes: Int
        /// The number of the newest commit.
        public var lastTransaction: Int
        /// Slots of the reader table in use, over all processes, with this process's pooled transactions.
        public var readers: Int
        public var maxReaders: Int
    }

    /// Moves the map to a larger size. New readers wait until the running ones have left and the map has moved, which takes
    /// microseconds plus the longest read. Asking for less than the present size changes nothing.
    ///
    /// - Throws: `.diskFull` in the mode `.unsynced`, when the disk has no room for the new part. The map is as it was.
    ///
    /// Never call it inside a transaction of the same thread: inside a write it throws `EDEADLK`, inside a read it would wait
    /// for ever.
    @available(*, noasync, message: "It waits for readers: call it from synchronous code")
    public func grow(toMapBytes bytes: Int) throws(LMDBError) {
        guard let target = Self.wholePages(bytes) else {
            throw LMDBError(.other, code: EINVAL, "growing the map to \(bytes) bytes", path: path)
        }
        let what = "growing the map to \(target) bytes"
        try lockFile(what)
        defer { file.unlock() }
        try lockWriter(what)
        defer { writer.unlock() }
        try setMapBytes(target)
    }

    /// The sizes and counts of `Info`; all zero once closed. Cheap: no I/O.
    public func info() -> Info {
        inside { handle in
            var environment = MDB_envinfo()
            var status = MDB_stat()
            mdb_env_info(handle, &environment)
            mdb_env_stat(handle, &status)
            let pageBytes = Int(status.ms_psize)
            return Info(
                mapBytes: environment.me_mapsize, usedBytes: (environment.me_last_pgno + 1) * pageBytes, pageBytes: pageBytes,
                lastTransaction: environment.me_last_txnid, readers: Int(environment.me_numreaders),
                maxReaders: Int(environment.me_maxreaders))
        } ?? Info(mapBytes: 0, usedBytes: 0, pageBytes: 0, lastTransaction: 0, readers: 0, maxReaders: 0)
    }

    /// The number of entries of a table in the newest commit. O(1).
    public func entryCount(_ table: Table) throws -> Int {
        try read { transaction in try transaction.entryCount(table) }
    }

    /// Pages below `usedBytes` that are free for reuse. Reads the whole free list, so ask rarely.
    public func countFreePages() throws -> Int {
        try read { transaction in
            var pages = 0
            // Table 0 is LMDB's free list: transaction number -> count of pages (one word), page numbers.
            try transaction.forEach(Table(handle: 0)) { _, value in
                if value.count >= MemoryLayout<Int>.size { pages += value.loadUnaligned(as: Int.self) }
                return true
            }
            return pages
        }
    }

    /// Clears the reader slots of processes that died inside a read transaction; they would pin old pages for ever.
    /// Answers how many.
    @discardableResult
    public func reapStaleReaders() -> Int {
        inside { handle in
            var dead: Int32 = 0
            return mdb_reader_check(handle, &dead) == 0 ? Int(dead) : 0
        } ?? 0
    }

    /// What the flushes of the mode `.writeBehind` have to show.
    public struct Flushes: Equatable, Sendable {
        /// Since the environment was opened.
        public var count = 0
        /// Keys and values that they wrote; the newest of each key.
        public var entries = 0
        /// What they took together.
        public var time: Duration = .zero
        /// Bytes of the memtables: of commits that a crash would undo.
        public var waitingBytes = 0
        /// How long ago the oldest of these commits was made.
        public var age: Duration = .zero

        public init() {}
    }

    /// Nil in other modes.
    public var flushes: Flushes? { flusher?.statistics }

    /// In the mode `.writeBehind`: what is asked to grow the map when it has no room for a flush. It answers whether it did. Called on
    /// a thread of the environment, outside of its locks.
    public func whenMapIsFull(_ grow: @escaping @Sendable () -> Bool) { flusher?.whenFull(grow) }

    /// In the mode `.writeBehind`: everything committed so far is in LMDB and on the disk when this returns. In other modes LMDB has it.
    public func flush() throws(LMDBError) { try flusher?.flush() }

    /// Forces everything committed so far to the disk, whatever the mode.
    public func sync() throws(LMDBError) {
        if let flusher { return try flusher.flush() }
        let code = inside { mdb_env_sync($0, 1) } ?? TransactionGate.closedCode
        guard code == 0 else { throw LMDBError(code: code, "syncing", path: path) }
    }

    /// Writes a consistent copy of the newest commit as an environment of its own. Runs beside readers and writers; the file grows
    /// meanwhile if there is much writing, because the copy is a long read.
    ///
    /// - Parameters:
    ///   - target: a directory without an environment in it; created with its parents.
    ///   - compacting: leave out free pages and renumber the others: smaller, a little slower.
    public func copy(to target: String, compacting: Bool) throws(LMDBError) {
        try OpenDirectories.create(target)
        try flush()
        let code = inside { mdb_env_copy2($0, target, compacting ? UInt32(MDB_CP_COMPACT) : 0) } ?? TransactionGate.closedCode
        guard code == 0 else { throw LMDBError(code: code, "copying to \(target)", path: path) }
    }

    /// Adopts the map size that another process has set.
    func adoptMapSize() throws(LMDBError) {
        try lockFile("adopting another process's map size")
        defer { file.unlock() }
        try lockWriter("adopting another process's map size")
        defer { writer.unlock() }
        try setMapBytes(0)
    }

    /// Sets the map size with no transaction active; 0 adopts the size in the file. The caller holds both locks.
    func setMapBytes(_ bytes: Int) throws(LMDBError) {
        let code = gate.shut { () -> Int32 in
            var info = MDB_envinfo()
            mdb_env_info(handle, &info)
            guard bytes == 0 || bytes > info.me_mapsize else { return 0 }
            if bytes > 0, options.mode == .unsynced, !options.readOnly {
                let code = Self.allocate(handle, from: info.me_mapsize, to: bytes)
                if code != 0 { return code }
            }
            return mdb_env_set_mapsize(handle, bytes)
        }
        guard let code else { throw LMDBError(.closed, "setting the map size", path: path) }
        guard code == 0 else { throw LMDBError(code: code, "setting the map size to \(bytes) bytes", path: path) }
    }

    /// Runs `body` as a reader does, so that the map cannot move or vanish meanwhile; `nil` once closed.
    private func inside<R>(_ body: (OpaquePointer) -> R) -> R? {
        switch gate.enter() {
        case .refused: return nil
        case .admitted(let transaction, _):
            defer { gate.leave(transaction) }
            return body(handle)
        }
    }
}
