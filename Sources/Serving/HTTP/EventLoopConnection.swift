internal import HummingbirdCore
internal import Logging
internal import NIOCore

/// An HTTP/1.1 connection whose requests are answered on the connection's own event loop.
///
/// Left to itself, Swift concurrency moves each request to a thread of the global pool and its response back: two thread wake-ups around a
/// lookup of a few µs, a tenth of the CPU time of a request. A lookup does not block, so it may run where the bytes arrive; what takes
/// longer (`LookupResponder.batch`) goes to the pool by itself.
struct EventLoopConnection: ServerChildChannel {
    private let http: HTTP1Channel

    init(responder: @escaping HTTPChannelHandler.Responder) { http = HTTP1Channel(responder: responder) }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        http.setup(channel: channel, logger: logger)
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await withTaskExecutorPreference(EventLoopExecutor(value.channel.eventLoop)) {
            await http.handle(value: value, logger: logger)
        }
    }
}

/// Runs the jobs of a task on an event loop.
private final class EventLoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
