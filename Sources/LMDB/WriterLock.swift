internal import Glibc

/// Lets one thread of the process write. LMDB has its own lock for that, but it is silent about a second transaction of the same
/// thread (a deadlock); this one answers `EDEADLK`. It also keeps `grow` and `close` apart from writers.
final class WriterLock: Sendable {
    private nonisolated(unsafe) let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init() {
        var attributes = pthread_mutexattr_t()
        pthread_mutexattr_init(&attributes)
        pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_ERRORCHECK))
        pthread_mutex_init(mutex, &attributes)
        pthread_mutexattr_destroy(&attributes)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// 0, or `EDEADLK` when this thread holds the lock already.
    func lock() -> Int32 { pthread_mutex_lock(mutex) }

    /// The same for the outer one of two locks: `EDEADLK` when this thread holds the inner one, which would wait for ever.
    func lock(outsideOf inner: WriterLock) -> Int32 {
        let code = inner.lock()
        guard code == 0 else { return code }
        inner.unlock()
        return lock()
    }

    func unlock() { pthread_mutex_unlock(mutex) }
}
