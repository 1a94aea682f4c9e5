internal import Glibc
internal import NIOPosix

/// Threads for what takes longer than an event loop should be held up: batches and explanations. Bounded, threads and queue.
///
/// Small lookups go first, because the kernel prefers their threads: these run at a lower priority.
package final class BatchPool: Sendable {
    private let pool: NIOThreadPool
    private let accepted: BoundedCount

    /// - Parameter maxWaiting: jobs beyond those under way; more are refused.
    package init(threads: Int, maxWaiting: Int) {
        pool = NIOThreadPool(numberOfThreads: threads)
        accepted = BoundedCount(limit: threads + maxWaiting)
        pool.start()
    }

    /// Jobs that were taken begin no more.
    deinit { pool.shutdownGracefully { _ in } }

    /// Jobs waiting or under way.
    package var count: Int { accepted.value }

    /// - Returns: false when too many wait; then `job` is never called.
    package func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        guard accepted.enter() else { return false }
        pool.submit { [self] state in
            defer { accepted.leave() }
            guard state == .active else { return }
            // Of this thread alone: setpriority(2), "C library/kernel differences". Setting it again changes nothing.
            _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Self.niceness)
            job()
        }
        return true
    }

    private static let niceness: Int32 = 5
}
