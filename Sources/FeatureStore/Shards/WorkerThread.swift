internal import Glibc

/// A named thread that runs one closure and can be waited for. For work that blocks in C, which has no place in Swift's task pool.
package final class WorkerThread: @unchecked Sendable {
    private final class Body {
        let name: String
        let run: @Sendable () -> Void
        init(_ name: String, _ run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    private var thread = pthread_t()

    /// `name` is cut to the 15 bytes that the kernel shows.
    package init(_ name: String, _ run: @escaping @Sendable () -> Void) {
        let body = Unmanaged.passRetained(Body(String(name.prefix(15)), run))
        let code = pthread_create(&thread, nil, { argument in
            let body = Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue()
            let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
            if file >= 0 {
                _ = body.name.utf8.withContiguousStorageIfAvailable { write(file, $0.baseAddress, $0.count) }
                close(file)
            }
            body.run()
            return nil
        }, body.toOpaque())
        precondition(code == 0, "pthread_create failed (\(code)): the system has no room for another thread")
    }

    /// For a thread that looks again and again.
    package static func sleep(milliseconds: Int) { usleep(UInt32(clamping: milliseconds * 1000)) }

    package func join() { pthread_join(thread, nil) }
}
