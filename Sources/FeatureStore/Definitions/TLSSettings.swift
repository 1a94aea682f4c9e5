/// `server.tls`: files in PEM, read again when they change.
public struct TLSSettings: Sendable, Equatable {
    /// The server's certificate, and those between it and its authority.
    public var certificate: String
    public var key: String
    /// The authorities of client certificates.
    public var clientCA: String?
    public var clientCertificates = ClientCertificates.none

    public enum ClientCertificates: String, Sendable, CaseIterable {
        /// They are not asked for.
        case none
        /// One that is shown must be right; a client without one needs another credential.
        case request
        /// No connection without one.
        case require
    }

    public init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}
