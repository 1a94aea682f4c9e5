internal import Glibc

/// One at a time, in the order in which they came: a mutex lets whoever was just there in again, and others wait for ever.
final class WaitingLine: Sendable {
    private nonisolated(unsafe) let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private nonisolated(unsafe) let moved = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    // Both are touched only under `mutex`.
    private nonisolated(unsafe) var last = 0
    private nonisolated(unsafe) var served = 1

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(moved, nil)
    }

    deinit {
        pthread_cond_destroy(moved)
        pthread_mutex_destroy(mutex)
        moved.deallocate()
        mutex.deallocate()
    }

    func enter() {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        last += 1
        let number = last
        while served != number { pthread_cond_wait(moved, mutex) }
    }

    func leave() {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        served += 1
        pthread_cond_broadcast(moved)
    }
}
