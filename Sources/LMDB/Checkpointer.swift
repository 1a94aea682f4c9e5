internal import CLMDB
internal import Glibc

/// Puts commits on the disk behind the writer's back, so that neither it nor readers wait for the disk, and keeps what a crash of the system goes back to.
///
/// A commit is seen at once and its pages are left to the kernel. A *checkpoint* then syncs the data file up to some commit, and only when that is done
/// writes down what the meta pages said at it (`CheckpointFile`). From then on until the next checkpoint is written, a read transaction at that commit holds on to its pages: LMDB
/// is a copy-on-write tree and never reuses a page that a reader may see. So whatever the disk has of later commits when the system goes
/// down, every page of the checkpoint is there as it was, and opening the environment goes back to it. (The same idea as the steady commits of libmdbx, by means of LMDB's
/// public interface alone.)
///
/// - A checkpoint begins `interval` after the last one began, as long as there are commits (`CheckpointThread`).
/// - A writer waits while the oldest commit that is not on the disk is older than `bound`: so a crash of the system never undoes more than that, a slow disk slows the
///   writer down, and the pages that cannot be reused yet are bounded.
/// - All environments of the process sync one after another: together they would only share the disk, and each holds up its writer where that
///   writes next to what is being written.
///
/// Three locks, one inside the other: `turn` is held for a whole checkpoint; the disk's queue likewise; the environment's writer lock for the moment in which a commit is
/// pinned.
final class Checkpointer: @unchecked Sendable {
    static let interval: Int64 = 100_000_000
    static let bound: Int64 = 1_000_000_000

    private let handle: OpaquePointer
    private let path: String
    private let writer: WriterLock
    private let data: Int32
    private let pageBytes: Int
    /// ns; nil: only when `checkpoint` is called.
    private let interval: Int64?
    private let turn = WriterLock()
    private static let disk = WaitingLine()
    // Both are of whoever has the turn.
    private let file: CheckpointFile
    private var pinned: OpaquePointer?

    // What follows is touched only under `mutex`.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    /// When the first commit was made after the one that is being synced, and the first that is being synced; ns.
    private var pendingSince: Int64?
    private var syncingSince: Int64?
    private var failure: LMDBError?
    private var isStopping = false
    private var lastBegan: Int64 = 0
    private var made = Statistics()

    struct Statistics {
        var count = 0
        var nanoseconds: Int64 = 0
    }

    /// Everything committed so far is a checkpoint when this returns. Nobody may write before.
    ///
    /// - Parameter interval: in ns; nil: only when `checkpoint` is called.
    init(
        _ handle: OpaquePointer, path: String, writer: WriterLock, file found: CheckpointFile?, boot: String, interval: Int64?
    ) throws(LMDBError) {
        self.handle = handle
        self.path = path
        self.writer = writer
        self.interval = interval
        var status = MDB_stat()
        mdb_env_stat(handle, &status)
        pageBytes = Int(status.ms_psize)
        var data: Int32 = -1
        mdb_env_get_fd(handle, &data)
        self.data = data
        let (pin, heads) = try Self.pin(handle, data, pageBytes, path)
        do throws(LMDBError) {
            let code = mdb_env_sync(handle, 1)
            guard code == 0 else { throw LMDBError(code: code, "syncing", path: path) }
            if let found {
                try found.write(heads, pageBytes: pageBytes)
                file = found
            } else {
                file = try CheckpointFile.create(in: path, pageBytes: pageBytes, heads: heads, boot: boot)
            }
        } catch {
            mdb_txn_abort(pin)
            throw error
        }
        pinned = pin
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
        let code = interval == nil ? 0 : CheckpointThread.shared.start()
        guard code == 0 else {
            mdb_txn_abort(pin)
            throw LMDBError(code: code, "starting the thread for checkpoints", path: path)
        }
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    // MARK: For the writer

    /// Before a write transaction begins: waits while too much is not on the disk yet.
    func admit() throws(LMDBError) {
        if let failure = waitForRoom() { throw failure }
    }

    private func waitForRoom() -> LMDBError? {
        locked {
            while failure == nil, interval != nil, !isStopping, let oldest = syncingSince ?? pendingSince, Self.now() - oldest > Self.bound {
                pthread_cond_wait(changed, mutex)
            }
            return failure
        }
    }

    /// After a commit.
    func committed() {
        locked {
            guard pendingSince == nil else { return }
            let now = Self.now()
            pendingSince = now
            if let interval, !isStopping { CheckpointThread.shared.schedule(self, at: Swift.max(now, lastBegan + interval)) }
        }
    }

    /// ns since the oldest commit that a crash of the system would undo; 0: there is none.
    var age: Int64 { locked { (syncingSince ?? pendingSince).map { Swift.max(0, Self.now() - $0) } ?? 0 } }
    var statistics: Statistics { locked { made } }

    // MARK: Checkpoints

    /// Everything committed so far is on the disk when this returns, and after a crash of the system. Not inside a write transaction.
    func checkpoint() throws(LMDBError) {
        try take(turn, "waiting for a checkpoint")
        defer { turn.unlock() }
        guard hasCommits else { return }
        Self.disk.enter()
        defer { Self.disk.leave() }
        let (pin, heads) = try beginAlone()
        try end(pin, heads)
    }

    private func beginAlone() throws(LMDBError) -> (OpaquePointer, CheckpointFile.Heads) {
        try take(writer, "beginning a checkpoint")
        defer { writer.unlock() }
        return try begin()
    }

    /// Runs `body` while no transaction of this object is open, with the writer lock held, so that the map may move. Everything is a checkpoint meanwhile, so nothing need be held on to.
    func unpinned(_ what: String, _ body: () throws(LMDBError) -> Void) throws(LMDBError) {
        try take(turn, what)
        defer { turn.unlock() }
        try takeWriterAndSettle(what)
        defer { writer.unlock() }
        mdb_txn_abort(pinned)
        pinned = nil
        defer { repin() }
        try body()
    }

    /// The writer lock, with everything on the disk.
    private func takeWriterAndSettle(_ what: String) throws(LMDBError) {
        Self.disk.enter()
        defer { Self.disk.leave() }
        try take(writer, what)
        guard hasCommits else { return }
        do throws(LMDBError) {
            let (pin, heads) = try begin()
            try end(pin, heads)
        } catch {
            writer.unlock()
            throw error
        }
    }

    private func repin() {
        do throws(LMDBError) { (pinned, _) = try Self.pin(handle, data, pageBytes, path) } catch { fail(error) }
    }

    private var hasCommits: Bool { locked { pendingSince != nil } }

    /// Holds on to the newest commit. With both locks.
    private func begin() throws(LMDBError) -> (OpaquePointer, CheckpointFile.Heads) {
        if let failure = (locked { failure }) { throw failure }
        let begun = try Self.pin(handle, data, pageBytes, path)
        locked {
            lastBegan = Self.now()
            syncingSince = pendingSince
            pendingSince = nil
        }
        return begun
    }

    /// Syncs up to that commit, writes it down and lets the one before go. With the turn.
    private func end(_ pin: OpaquePointer, _ heads: CheckpointFile.Heads) throws(LMDBError) {
        let began = Self.now()
        do throws(LMDBError) {
            let code = mdb_env_sync(handle, 1)
            guard code == 0 else { throw LMDBError(code: code, "syncing a checkpoint", path: path) }
            try file.write(heads, pageBytes: pageBytes)
        } catch {
            mdb_txn_abort(pin)
            // What the kernel could not write it may call clean from now on; another attempt would succeed and mean nothing.
            file.distrust()
            let failure = LMDBError(.checkpointFailed, code: error.code, error.what, path: path)
            fail(failure)
            throw failure
        }
        mdb_txn_abort(pinned)
        pinned = pin
        locked {
            syncingSince = nil
            made.count += 1
            made.nanoseconds += Self.now() - began
            pthread_cond_broadcast(changed)
        }
    }

    private func fail(_ error: LMDBError) {
        locked {
            failure = error
            pthread_cond_broadcast(changed)
        }
    }

    /// A read transaction at the newest commit, and what the meta pages say. No writer may be at work.
    private static func pin(
        _ handle: OpaquePointer, _ data: Int32, _ pageBytes: Int, _ path: String
    ) throws(LMDBError) -> (OpaquePointer, CheckpointFile.Heads) {
        var pin: OpaquePointer?
        let code = mdb_txn_begin(handle, nil, UInt32(MDB_RDONLY), &pin)
        guard code == 0, let pin else { throw LMDBError(code: code, "beginning a checkpoint", path: path) }
        guard let heads = CheckpointFile.heads(of: data, pageBytes: pageBytes) else {
            mdb_txn_abort(pin)
            throw LMDBError(code: errno, "reading the meta pages", path: path)
        }
        return (pin, heads)
    }

    // MARK: The thread

    /// On the thread for checkpoints. A failure is kept, and the next writer hears of it.
    func makeDue() { do throws(LMDBError) { try checkpoint() } catch { fail(error) } }

    /// Ends that, once the checkpoint under way is made. Twice is fine. Not inside a write transaction.
    func stop() {
        locked {
            isStopping = true
            pthread_cond_broadcast(changed)
        }
        CheckpointThread.shared.forget(self)
    }

    /// Lets go of the pages, after `stop` and when no transaction will come any more. The file goes too when there is nothing to go back from.
    func release() {
        mdb_txn_abort(pinned)
        pinned = nil
        let isSettled = locked { pendingSince == nil && syncingSince == nil && failure == nil }
        // Left there, it only says what the data file says.
        if isSettled { try? file.remove() }
    }

    // MARK: Small things

    private func take(_ lock: WriterLock, _ what: String) throws(LMDBError) {
        let code = lock.lock()
        guard code == 0 else { throw LMDBError(code: code, what, path: path) }
    }

    private func locked<R>(_ body: () -> R) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
