internal import CLMDB
internal import Glibc
internal import Synchronization

/// Takes the commits of an environment's memtable to LMDB, so that neither the writer nor readers wait for the disk.
///
/// A flush freezes the memtable that is written to, beginning a new one, puts the newest value of each of its keys into LMDB in one transaction, in the order of keys, syncs, and lets
/// it go. So LMDB always has the state after some commit, whole: a crash of the process or of the system goes back to it. A row that was changed many times between two
/// flushes is written once, and rows that share a page share its write.
///
/// - A flush begins when the oldest commit that LMDB does not have is `interval` old, when there was none for `quiet` and the last flush is `interval` ago, or when the memtable has
///   its share of `budget`.
/// - A writer waits while its memtable is full and the one before is still on its way. So memory is bounded, and a disk that is too slow slows the writer down.
/// - What fails is tried again every two seconds, and by each writer before it begins: it is told, and nothing more is taken.
///
/// Locks, one inside the other: `file` of the environment for a whole flush; `writer` for the moment of freezing; `mutex` and the gate's for moments.
final class Flusher: @unchecked Sendable {
    /// ns.
    private static let interval: Int64 = 1_000_000_000
    private static let quiet: Int64 = 100_000_000
    private static let retryPause: Int64 = 2_000_000_000
    /// Bytes of entries that the memtables of all environments of the process may have, those on their way to LMDB included.
    private static let budget = 256 << 20
    private static let leastLimit = 1 << 20
    /// Keys that all of them may have: a flush changes about a page of 4 KiB for each, in memory that LMDB keeps.
    private static let keyBudget = 65_536
    /// Keys of one memtable: LMDB keeps account of at most 131,071 pages that a transaction has changed.
    private static let keyLimits = 1_024...32_768
    /// How many environments share it.
    private static let sharing = Atomic(0)

    private let handle: OpaquePointer
    private let path: String
    private let file: WriterLock
    private let writer: WriterLock
    private let gate: TransactionGate
    private let pool = ChunkPool()
    /// Of the memtable that is on its way to LMDB, or was last.
    private let flushing = Atomic<UInt64>(0)
    private var thread: pthread_t?

    // What follows is touched only under `mutex`.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var activeBytes = 0
    private var isFull = false
    private var frozenBytes = 0
    /// When the first commit was made that the memtable has, or the frozen one; ns.
    private var activeSince: Int64?
    private var newestCommit: Int64 = 0
    private var lastFlush: Int64 = 0
    private var frozenSince: Int64?
    private var hasFailed = false
    private var retryAt: Int64 = 0
    private var isStopping = false
    private var makeRoom: (@Sendable () -> Bool)?
    private var made = Environment.Flushes()

    /// - Parameter isAutomatic: false: only `flush` flushes.
    init(
        _ handle: OpaquePointer, path: String, file: WriterLock, writer: WriterLock, gate: TransactionGate, isAutomatic: Bool
    ) throws(LMDBError) {
        (self.handle, self.path, self.file, self.writer, self.gate) = (handle, path, file, writer, gate)
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
        gate.setMemtables(Memtables(active: Memtable(generation: 1, pool: pool), frozen: nil))
        Self.sharing.add(1, ordering: .relaxed)
        guard isAutomatic else { return }
        var created = pthread_t()
        let code = pthread_create(&created, nil, { argument in
            Unmanaged<Flusher>.fromOpaque(argument!).takeRetainedValue().run()
            return nil
        }, Unmanaged.passRetained(self).toOpaque())
        guard code == 0 else {
            Unmanaged.passUnretained(self).release()
            throw LMDBError(code: code, "starting the thread that flushes", path: path)
        }
        thread = created
    }

    deinit {
        Self.sharing.subtract(1, ordering: .relaxed)
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    private func isFull(_ memtable: Memtable) -> Bool {
        let sharing = max(1, Self.sharing.load(ordering: .relaxed))
        let keys = min(max(Self.keyBudget / sharing, Self.keyLimits.lowerBound), Self.keyLimits.upperBound)
        return memtable.byteCount >= max(Self.leastLimit, Self.budget / 2 / sharing) || memtable.keyCount >= keys
    }

    // MARK: For the writer

    /// Before a write transaction begins: waits while there is no room. When the last flush failed, this one has to succeed.
    func admit() throws(LMDBError) {
        let mustFlush = locked { () -> Bool in
            while !hasFailed, !isStopping, thread != nil, isFull { pthread_cond_wait(changed, mutex) }
            return hasFailed
        }
        if mustFlush { try flush() }
    }

    /// After a commit, or one that was called off, with the writer lock.
    func committed(_ memtable: Memtable) {
        guard memtable.byteCount > 0 else { return }
        let isFull = isFull(memtable)
        locked {
            activeBytes = memtable.byteCount
            let isFirst = activeSince == nil
            newestCommit = Self.now()
            if isFirst { activeSince = newestCommit }
            if isFirst || isFull && !self.isFull { pthread_cond_broadcast(changed) }
            self.isFull = isFull
        }
    }

    /// Whether LMDB may have more than a reader has seen of the memtables when it began.
    @inline(__always)
    func hasPassed(_ tables: Memtables) -> Bool {
        // LMDB read which commit is its newest without telling the processor that it comes first.
        atomicMemoryFence(ordering: .acquiring)
        return flushing.load(ordering: .acquiring) >= tables.active.generation
    }

    /// What is asked when the map has no room for a flush; true: there is now. On the thread that flushes.
    func whenFull(_ makeRoom: @escaping @Sendable () -> Bool) { locked { self.makeRoom = makeRoom } }

    var statistics: Environment.Flushes {
        locked {
            var flushes = made
            flushes.waitingBytes = activeBytes + frozenBytes
            flushes.age = .nanoseconds((frozenSince ?? activeSince).map { max(0, Self.now() - $0) } ?? 0)
            return flushes
        }
    }

    // MARK: Flushing

    /// Everything committed so far is in LMDB and on the disk when this returns. Not inside a write transaction.
    func flush() throws(LMDBError) {
        while true {
            do throws(LMDBError) { return try flushOnce() } catch {
                if error.kind == .mapFull, let makeRoom = (locked { makeRoom }), makeRoom() { continue }
                if error.code == EDEADLK { throw error }
                locked {
                    hasFailed = true
                    retryAt = Self.now() + Self.retryPause
                    pthread_cond_broadcast(changed)
                }
                throw error
            }
        }
    }

    private func flushOnce() throws(LMDBError) {
        let code = file.lock(outsideOf: writer)
        guard code == 0 else { throw LMDBError(code: code, "flushing", path: path) }
        defer { file.unlock() }
        guard let tables = gate.memtables else { throw LMDBError(.closed, "flushing", path: path) }
        // What failed the last time goes first.
        if let frozen = tables.frozen { try flush(frozen) }
        if let frozen = try freeze() { try flush(frozen) }
    }

    /// The memtable as it is, after beginning a new one; nil: there is nothing in it.
    private func freeze() throws(LMDBError) -> Memtable? {
        let code = writer.lock()
        guard code == 0 else { throw LMDBError(code: code, "flushing", path: path) }
        defer { writer.unlock() }
        guard let tables = gate.memtables, tables.active.byteCount > 0 else { return nil }
        let next = Memtable(generation: tables.active.generation + 1, pool: pool)
        gate.setMemtables(Memtables(active: next, frozen: tables.active))
        locked {
            (frozenBytes, frozenSince) = (activeBytes, activeSince)
            (activeBytes, activeSince, isFull) = (0, nil, false)
            pthread_cond_broadcast(changed)
        }
        return tables.active
    }

    private func flush(_ frozen: Memtable) throws(LMDBError) {
        let began = Self.now()
        var entries: [Memtable.EntryPointer] = []
        frozen.forEach(at: .max - 1) { entries.append($0) }
        KeyOrder.sort(&entries)
        flushing.store(frozen.generation, ordering: .sequentiallyConsistent)
        try write(entries)
        if let tables = gate.memtables { gate.setMemtables(Memtables(active: tables.active, frozen: nil)) }
        let took = Self.now() - began
        locked {
            (frozenBytes, frozenSince) = (0, nil)
            lastFlush = began
            hasFailed = false
            made.count += 1
            made.time += .nanoseconds(took)
            made.entries += entries.count
            pthread_cond_broadcast(changed)
        }
    }

    private func write(_ entries: [Memtable.EntryPointer]) throws(LMDBError) {
        var begun: OpaquePointer?
        var code = mdb_txn_begin(handle, nil, 0, &begun)
        guard code == 0, let transaction = begun else { throw LMDBError(code: code, "beginning a flush", path: path) }
        var cursor: OpaquePointer?
        var table: UInt32?
        for entry in entries {
            if entry.pointee.table != table {
                if let cursor { mdb_cursor_close(cursor) }
                cursor = nil
                table = entry.pointee.table
                code = mdb_cursor_open(transaction, entry.pointee.table, &cursor)
                if code != 0 { break }
            }
            var key = MDB_val(entry.key)
            if let value = entry.value {
                var value = MDB_val(value)
                code = mdb_cursor_put(cursor, &key, &value, 0)
            } else {
                code = mdb_del(transaction, entry.pointee.table, &key, nil)
                if code == MDB_NOTFOUND { code = 0 }
            }
            if code != 0 { break }
        }
        if let cursor { mdb_cursor_close(cursor) }
        guard code == 0 else {
            mdb_txn_abort(transaction)
            throw LMDBError(code: code, "flushing \(entries.count) entries", path: path)
        }
        // The transaction is gone even if the commit fails.
        code = mdb_txn_commit(transaction)
        guard code == 0 else { throw LMDBError(code: code, "committing a flush of \(entries.count) entries", path: path) }
    }

    // MARK: The thread

    private func run() {
        while waitUntilDue() { try? flush() }  // The next writer hears of a failure.
    }

    /// False: it is over.
    private func waitUntilDue() -> Bool {
        locked {
            while !isStopping {
                let now = Self.now()
                var due = retryAt
                if !hasFailed {
                    guard let since = activeSince else {
                        pthread_cond_wait(changed, mutex)
                        continue
                    }
                    due = isFull ? now : min(since + Self.interval, max(newestCommit + Self.quiet, lastFlush + Self.interval))
                }
                if due <= now { return true }
                var until = timespec(tv_sec: Int(due / 1_000_000_000), tv_nsec: Int(due % 1_000_000_000))
                pthread_cond_timedwait(changed, mutex, &until)
            }
            return false
        }
    }

    /// Ends the thread, once the flush under way is done. Twice is fine. Not inside a write transaction.
    func stop() {
        let thread = locked { () -> pthread_t? in
            isStopping = true
            pthread_cond_broadcast(changed)
            defer { self.thread = nil }
            return self.thread
        }
        guard let thread else { return }
        // Whoever lets go of the environment last may do so on its own thread, while it makes room.
        if pthread_equal(thread, pthread_self()) != 0 { pthread_detach(thread) } else { pthread_join(thread, nil) }
    }

    // MARK: Small things

    private func locked<R>(_ body: () -> R) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
