internal import CLMDB
internal import Glibc

/// Counts the readers of an environment, keeps their transactions for reuse, and can shut them out for a moment.
///
/// `mdb_env_set_mapsize` moves the map and "may be called at later times if no transactions are active in this process ... the
/// caller must ensure it explicitly" (lmdb.h). A reader therefore enters here and leaves here; `closed(_:)` makes new ones wait
/// until the running ones have left and the work is done.
///
/// A reset read transaction keeps its slot of the reader table but pins no page, and renewing it is much cheaper than beginning
/// one, so a pool of them is kept. It is never larger than the most readers that ran at once, which the reader table bounds.
final class TransactionGate: Sendable {
    private enum State { case open, shut, closed }

    private nonisolated(unsafe) let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private nonisolated(unsafe) let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    // All are touched only under `mutex`.
    private nonisolated(unsafe) var state = State.open
    private nonisolated(unsafe) var active = 0
    private nonisolated(unsafe) var pool: [OpaquePointer] = []
    /// In the mode `.writeBehind`.
    private nonisolated(unsafe) var currentMemtables: Memtables?
    /// The newest commit of the memtables.
    private nonisolated(unsafe) var commit: UInt64 = 0

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// What a reader gets at the door.
    enum Admission {
        /// A reset transaction to renew, or nil: none is free, begin a new one. And what there is of the memtables.
        case admitted(OpaquePointer?, MemtableSnapshot?)
        /// The environment is closed. Do not call `leave`.
        case refused
    }

    /// Stands for "closed" among LMDB's codes; none of LMDB or the operating system has it.
    static let closedCode: Int32 = -1

    var isClosed: Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return state == .closed
    }

    /// Waits while the gate is shut. Call `leave` exactly once unless refused.
    func enter() -> Admission {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while state == .shut { pthread_cond_wait(changed, mutex) }
        if state == .closed { return .refused }
        active += 1
        return .admitted(pool.popLast(), currentMemtables.map { MemtableSnapshot(tables: $0, commit: commit) })
    }

    /// Hands back a reset transaction, or `nil` when there is none to keep.
    func leave(_ transaction: OpaquePointer?) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        active -= 1
        if let transaction { pool.append(transaction) }
        if active == 0, state != .open { pthread_cond_broadcast(changed) }
    }

    var memtables: Memtables? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return currentMemtables
    }

    /// Only one thread at a time may call this.
    func setMemtables(_ tables: Memtables) {
        // The last one to let go of a memtable frees it: not inside the lock.
        withExtendedLifetime(memtables) {
            pthread_mutex_lock(mutex)
            defer { pthread_mutex_unlock(mutex) }
            currentMemtables = tables
        }
    }

    /// Lets readers that come from now on see a commit.
    func publish(_ number: UInt64) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        commit = number
    }

    /// Runs `body` while no reader is inside. Readers that come meanwhile wait. Answers `nil` if the gate is closed for good.
    /// Only one thread at a time may call this or `close`: the environment's writer lock sees to it.
    func shut<R>(_ body: () -> R) -> R? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if state == .closed { return nil }
        state = .shut
        while active > 0 { pthread_cond_wait(changed, mutex) }
        let result = body()
        state = .open
        pthread_cond_broadcast(changed)
        return result
    }

    /// Refuses new readers, waits for the running ones and gives up the pool. Answers `nil` if it was closed before.
    func close() -> [OpaquePointer]? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if state == .closed { return nil }
        state = .closed
        pthread_cond_broadcast(changed)
        while active > 0 { pthread_cond_wait(changed, mutex) }
        defer { (pool, currentMemtables) = ([], nil) }
        return pool
    }
}
