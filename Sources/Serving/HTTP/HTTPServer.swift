internal import Hummingbird
internal import HummingbirdCore
public import Logging
public import ServiceLifecycle
public import Serving
package import ServingTransport

/// The HTTP/JSON side of the lookup API: the paths of `Schemas/openapi.yaml`.
///
/// A `Service`: on graceful shutdown it stops accepting, finishes the requests it has begun, closes idle connections and returns.
/// HTTP/1.1, and HTTP/2 for clients that begin with it; over TLS where the transport has certificates.
public struct HTTPServer: Service {
    private let transport: Transport
    private let http2: any HTTP2Responder
    private let host: String
    private let port: Int
    private let metricSources: [@Sendable () -> [MetricFamily]]
    private let logger: Logger
    private let onListening: @Sendable (_ port: Int) async -> Void

    /// - Parameters:
    ///   - port: 0 takes a free one.
    ///   - metricSources: what `/metrics` shows beside serving's own: each is called once a scrape.
    ///   - onListening: called with the bound port once connections are accepted.
    public init(
        service: LookupService, host: String, port: Int, metricSources: [@Sendable () -> [MetricFamily]] = [],
        logger: Logger = Logger(label: "millrace.http"), onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) {
        let transport = Transport(service: service)
        self.init(
            transport: transport, http2: JSONResponder(transport: transport, metricSources: metricSources), host: host, port: port,
            metricSources: metricSources, logger: logger, onListening: onListening)
    }

    /// - Parameter http2: answers the requests that come over HTTP/2.
    package init(
        transport: Transport, http2: any HTTP2Responder, host: String, port: Int, metricSources: [@Sendable () -> [MetricFamily]] = [],
        logger: Logger = Logger(label: "millrace.http"), onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) {
        self.transport = transport
        self.http2 = http2
        self.host = host
        self.port = port
        self.metricSources = metricSources
        self.logger = logger
        self.onListening = onListening
    }

    /// Serves until the task is cancelled or the service group shuts down. Throws when the address cannot be bound.
    public func run() async throws {
        let responder = LookupResponder(transport: transport, metricSources: metricSources)
        var application = Application(
            responder: responder,
            server: HTTPServerBuilder { [http2] in EventLoopConnection(endpoints: responder.endpoints, http2: http2, responder: $0) },
            configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: nil, backlog: 1024),
            onServerRunning: { [onListening, port] channel in await onListening(channel.localAddress?.port ?? port) },
            logger: logger)
        // Hummingbird says "listening" at info; the executable prints its own line with the real port.
        application.logger.logLevel = max(logger.logLevel, .notice)
        try await application.run()
    }
}
