public import FeatureStore
internal import Glibc
internal import NIOCore
package import NIOSSL
public import Serving
internal import Synchronization

/// The certificates that connections are made with. New ones count for new connections; those that are there stay.
public final class TLSContexts: Sendable {
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// Which protocols a port offers.
    package enum Port { case http, grpc }

    private struct Contexts {
        var http: NIOSSLContext
        var grpc: NIOSSLContext
        /// Seconds since the epoch.
        var notAfter: Int
    }

    private let settings: TLSSettings
    private let contexts: Mutex<Contexts>
    /// As they were before they were read.
    private let files: Mutex<FileState>
    private let failedHandshakes = Atomic<UInt64>(0)

    /// Reads the files.
    public init(_ settings: TLSSettings) throws(Failure) {
        let files = FileState(reading: [settings.certificate, settings.key] + (settings.clientCA.map { [$0] } ?? []))
        let contexts = try Self.read(settings)
        self.settings = settings
        self.files = Mutex(files)
        self.contexts = Mutex(contexts)
    }

    /// When the server's certificate expires, in seconds since the epoch.
    public var notAfter: Int { contexts.withLock { $0.notAfter } }

    func handshakeFailed() { failedHandshakes.wrappingAdd(1, ordering: .relaxed) }

    public func families() -> [MetricFamily] {
        [
            MetricFamily(
                name: "millrace_tls_certificate_expiry_seconds", help: "When the server's certificate expires, in seconds since the epoch.",
                kind: .gauge, value: Double(notAfter)),
            MetricFamily(
                name: "millrace_tls_failed_handshakes_total", help: "Connections that ended before TLS was agreed on: wrong certificates, no TLS, too slow.",
                kind: .counter, value: Double(failedHandshakes.load(ordering: .relaxed))),
        ]
    }

    /// Reads the files again when one has changed; while they do not fit together, the certificates stay what they were.
    ///
    /// - Returns: whether the certificates are new.
    public func reloadIfChanged() throws(Failure) -> Bool {
        guard files.withLock({ $0.hasChanged() }) else { return false }
        let new = try Self.read(settings)
        contexts.withLock { $0 = new }
        return true
    }

    /// For a new connection, on its event loop.
    package func handler(_ port: Port) throws -> NIOSSLServerHandler {
        let contexts = contexts.withLock { $0 }
        return try NIOSSLServerHandler(context: port == .http ? contexts.http : contexts.grpc)
    }

    private static func read(_ settings: TLSSettings) throws(Failure) -> Contexts {
        let chain: [NIOSSLCertificate], key: NIOSSLPrivateKey
        do { chain = try NIOSSLCertificate.fromPEMFile(settings.certificate) } catch {
            throw Failure(description: "\(settings.certificate) is no certificate in PEM: \(error)")
        }
        do { key = try NIOSSLPrivateKey(file: settings.key, format: .pem) } catch {
            throw Failure(description: "\(settings.key) is no private key in PEM without a password: \(error)")
        }
        guard let first = chain.first else { throw Failure(description: "\(settings.certificate) has no certificate") }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        if let authorities = settings.clientCA {
            do {
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authorities))
            } catch {
                throw Failure(description: "\(authorities) is no certificate in PEM: \(error)")
            }
        }
        switch settings.clientCertificates {
        case .none: configuration.certificateVerification = .none
        case .request: configuration.certificateVerification = .optionalVerification
        case .require: configuration.certificateVerification = .noHostnameVerification
        }
        do {
            configuration.applicationProtocols = ["h2", "http/1.1"]
            let http = try NIOSSLContext(configuration: configuration)
            configuration.applicationProtocols = ["h2"]
            let grpc = try NIOSSLContext(configuration: configuration)
            return Contexts(http: http, grpc: grpc, notAfter: first.notValidAfter)
        } catch {
            throw Failure(description: "\(settings.certificate) and \(settings.key) do not make a server's certificate: \(error)")
        }
    }
}
