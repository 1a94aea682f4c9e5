internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import Serving
internal import ServingTransport

/// An HTTP/1.1 connection: `DirectRequests` first, Hummingbird behind it for what that leaves alone, all on the connection's event loop.
///
/// Left to itself, Swift concurrency moves each request to a thread of the global pool and its response back: two thread wake-ups around a
/// lookup of a few µs, a tenth of the CPU time of a request. A lookup does not block, so it may run where the bytes arrive; what takes
/// longer goes to the pool by itself (`Endpoints.submit`).
struct EventLoopConnection: ServerChildChannel {
    private let http: HTTP1Channel
    private let endpoints: Endpoints
    private let http2: any HTTP2Responder

    init(endpoints: Endpoints, http2: any HTTP2Responder, responder: @escaping HTTPChannelHandler.Responder) {
        http = HTTP1Channel(responder: responder)
        self.endpoints = endpoints
        self.http2 = http2
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        guard endpoints.transport.admit(channel) else {
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
        }
        return http.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let peer = Peer(channel.remoteAddress, endpoints.transport.access)
            try channel.pipeline.syncOperations.addHandler(DirectRequests(endpoints: endpoints, http2: http2, peer: peer), position: .first)
            try endpoints.transport.secure(channel, .http, peer)
            // One read per readiness: a second would find nothing, because a client waits for its answer.
            try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
            try channel.syncOptions?.setOption(.autoRead, value: false)
            return value
        }
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
