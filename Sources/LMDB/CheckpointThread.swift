internal import Glibc

/// Makes the checkpoints of all environments of the process, as they fall due, one after another.
final class CheckpointThread: @unchecked Sendable {
    static let shared = CheckpointThread()

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    // All are touched only under `mutex`.
    /// By the time at which they are due, in ns of the monotonic clock.
    private var waiting: [(due: Int64, checkpointer: Checkpointer)] = []
    private var atWork: Checkpointer?
    private var isStarted = false

    private init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    /// Starts it, unless it runs already. 0 or an `errno`.
    func start() -> Int32 {
        locked {
            if isStarted { return 0 }
            var thread = pthread_t()
            let code = pthread_create(&thread, nil, { _ in
                CheckpointThread.shared.run()
                return nil
            }, nil)
            guard code == 0 else { return code }
            pthread_detach(thread)
            isStarted = true
            return 0
        }
    }

    func schedule(_ checkpointer: Checkpointer, at due: Int64) {
        locked {
            waiting.insert((due, checkpointer), at: waiting.firstIndex { $0.due > due } ?? waiting.endIndex)
            pthread_cond_broadcast(changed)
        }
    }

    /// Makes no more checkpoints of this one; waits for the one under way.
    func forget(_ checkpointer: Checkpointer) {
        locked {
            waiting.removeAll { $0.checkpointer === checkpointer }
            while atWork === checkpointer { pthread_cond_wait(changed, mutex) }
        }
    }

    private func run() {
        while true {
            let next = locked { () -> Checkpointer in
                atWork = nil
                pthread_cond_broadcast(changed)
                while true {
                    guard let first = waiting.first else {
                        pthread_cond_wait(changed, mutex)
                        continue
                    }
                    if first.due <= Checkpointer.now() { break }
                    var until = timespec(tv_sec: Int(first.due / 1_000_000_000), tv_nsec: Int(first.due % 1_000_000_000))
                    pthread_cond_timedwait(changed, mutex, &until)
                }
                let next = waiting.removeFirst().checkpointer
                atWork = next
                return next
            }
            next.makeDue()
        }
    }

    private func locked<R>(_ body: () -> R) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}
