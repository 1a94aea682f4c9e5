internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
public import ServiceLifecycle
public import Serving

/// The gRPC side of the lookup API: `Schemas/millrace/serving/v1/lookup.proto`, and the standard health check.
///
/// A `Service`: on graceful shutdown it tells its clients to go away, finishes the calls it has begun and returns. HTTP/2 without TLS.
public struct GRPCServer: Service {
    private let service: LookupService
    private let host: String
    private let port: Int
    private let onListening: @Sendable (_ port: Int) async -> Void

    /// - Parameters:
    ///   - host: an IPv4 or IPv6 address; names are not resolved, except `localhost`.
    ///   - port: 0 takes a free one.
    ///   - onListening: called with the bound port once connections are accepted.
    public init(
        service: LookupService, host: String, port: Int, onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) {
        self.service = service
        self.host = host
        self.port = port
        self.onListening = onListening
    }

    /// Serves until the task is cancelled or the service group shuts down. Throws when the address cannot be bound.
    public func run() async throws {
        let address = host == "localhost" ? "127.0.0.1" : host
        let transport = HTTP2ServerTransport.Posix(
            address: address.contains(":") ? .ipv6(host: address, port: port) : .ipv4(host: address, port: port),
            transportSecurity: .plaintext,
            config: .defaults { $0.rpc.maxRequestPayloadSize = Self.maxMessageBytes })
        let server = GRPCCore.GRPCServer(
            transport: transport, services: [FeatureServiceHandler(service: service), FeastHandler(service: service), HealthHandler(service: service)])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await withGracefulShutdownHandler {
                    try await server.serve()
                } onGracefulShutdown: {
                    server.beginGracefulShutdown()
                }
            }
            // When the bind fails, `serve` throws and there is no address to report.
            if let bound = try? await transport.listeningAddress {
                await onListening(bound.ipv4?.port ?? bound.ipv6?.port ?? port)
            }
            try await group.waitForAll()
        }
    }

    /// As for a body over HTTP.
    private static let maxMessageBytes = 1 << 20
}
