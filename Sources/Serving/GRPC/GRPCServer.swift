internal import NIOCore
internal import NIOExtras
internal import NIOPosix
public import ServiceLifecycle
public import Serving
package import ServingTransport

/// The gRPC side of the lookup API: `Schemas/millrace/serving/v1/lookup.proto`, and the standard health check.
///
/// A `Service`: on graceful shutdown it tells its clients to go away, finishes the calls it has begun and returns. HTTP/2, over TLS where the transport
/// has certificates.
public struct GRPCServer: Service {
    private let transport: Transport
    private let responder: any HTTP2Responder
    private let host: String
    private let port: Int
    private let onListening: @Sendable (_ port: Int) async -> Void

    /// - Parameters:
    ///   - host: an IPv4 or IPv6 address, or `localhost`.
    ///   - port: 0 takes a free one.
    ///   - onListening: called with the bound port once connections are accepted.
    public init(
        service: LookupService, host: String, port: Int, onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) {
        let transport = Transport(service: service)
        self.init(
            transport: transport, responder: GRPCResponder(transport: transport), host: host, port: port, onListening: onListening)
    }

    package init(
        transport: Transport, responder: any HTTP2Responder, host: String, port: Int,
        onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) {
        self.transport = transport
        self.responder = responder
        self.host = host == "localhost" ? "127.0.0.1" : host
        self.port = port
        self.onListening = onListening
    }

    /// Serves until the task is cancelled or the service group shuts down. Throws when the address cannot be bound.
    public func run() async throws {
        let quiescing = ServerQuiescingHelper(group: MultiThreadedEventLoopGroup.singleton)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(quiescing.makeServerChannelHandler(channel: channel))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // One read per readiness: a second would find nothing, because a client waits for its answer.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { [transport, responder] channel in
                channel.eventLoop.makeCompletedFuture {
                    guard transport.admit(channel) else { throw ChannelError.ioOnClosedChannel }
                    let peer = Peer(channel.remoteAddress, transport.access)
                    try channel.pipeline.syncOperations.addHandler(HTTP2Handler(transport: transport, responder: responder, peer: peer))
                    try transport.secure(channel, .grpc, peer)
                }
            }
            .bind(host: host, port: port).get()
        await onListening(listener.localAddress?.port ?? port)
        let left = listener.eventLoop.makePromise(of: Void.self)
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await left.futureResult.get()
            } onGracefulShutdown: {
                quiescing.initiateShutdown(promise: left)
            }
        } onCancel: {
            quiescing.initiateShutdown(promise: left)
        }
    }
}
