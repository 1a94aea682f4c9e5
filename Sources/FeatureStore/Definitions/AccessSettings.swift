/// Who may ask the server for what: `access:` of the definitions file. Nobody may anything that is not said here.
public struct AccessSettings: Sendable, Equatable {
    /// Everybody may everything, and says so.
    public var isOpen = false
    public var principals: [PrincipalDefinition] = []
    public var jwt: JWTSettings?
    public var failures = FailureSettings()
    public init() {}
}

/// Somebody who asks: a service, a person, a scraper.
public struct PrincipalDefinition: Sendable, Equatable {
    public var name: String
    public var tokens: [TokenDefinition] = []
    /// What a client certificate may say for its owner to be this principal.
    public var certificates: [CertificateName] = []
    public var grants = Grants()

    public init(name: String) { self.name = name }
}

/// A bearer token as the file has it: not itself, but its SHA-256. Tokens are 256 random bits, so that nothing slower is needed.
public struct TokenDefinition: Sendable, Equatable {
    /// 32 bytes.
    public var sha256: [UInt8]
    /// µs since the epoch; nil: never.
    public var expires: Int64?

    public init(sha256: [UInt8], expires: Int64? = nil) {
        self.sha256 = sha256
        self.expires = expires
    }
}

/// A name in a client certificate: `cn:homepage`, `dns:homepage.internal`, `uri:spiffe://shop/homepage`, `email:a@b.c`.
public struct CertificateName: Sendable, Hashable, CustomStringConvertible {
    public enum Kind: String, Sendable, CaseIterable { case cn, dns, uri, email }
    public var kind: Kind
    public var value: String

    public init(_ kind: Kind, _ value: String) {
        self.kind = kind
        self.value = value
    }

    /// Nil: it is none.
    public init?(_ text: some StringProtocol) {
        guard let colon = text.firstIndex(of: ":"), let kind = Kind(rawValue: String(text[..<colon])) else { return nil }
        let value = text[text.index(after: colon)...]
        guard !value.isEmpty else { return nil }
        self.init(kind, String(value))
    }

    public var description: String { "\(kind.rawValue):\(value)" }
}

/// What a principal may do. Everything else it may not.
public struct Grants: Sendable, Equatable {
    public enum Names: Sendable, Equatable {
        case all
        case only(Set<String>)

        public func has(_ name: String) -> Bool {
            switch self {
            case .all: true
            case .only(let names): names.contains(name)
            }
        }

        public var isEmpty: Bool { self == .only([]) }
    }

    /// Feature services whose vectors and contracts may be read.
    public var services = Names.only([])
    /// Entities whose features may be named one by one: in lookups without a service, in explanations and in Feast's requests.
    public var entities = Names.only([])
    /// Pushed views that rows may be pushed to.
    public var push = Names.only([])
    public var erase = false
    /// `/metrics`.
    public var metrics = false
    /// Shards, the catalogue, the console.
    public var admin = false
    public init() {}

    public var isEmpty: Bool { self == Grants() }
}

/// Tokens that somebody else has signed (RFC 7519).
public struct JWTSettings: Sendable, Equatable {
    /// A JWK set (RFC 7517) with the public keys; read again when it changes.
    public var keys: String
    public var issuer: String
    public var audience: String
    /// By how much clocks may differ, µs.
    public var leeway: Microseconds = .seconds(30)
    /// The claim that names the principal.
    public var principalClaim = "sub"
    /// The claim that lists what the token permits, if tokens say so themselves.
    public var permissionsClaim: String?

    public init(keys: String, issuer: String, audience: String) {
        self.keys = keys
        self.issuer = issuer
        self.audience = audience
    }
}

/// How many wrong credentials an address may send.
public struct FailureSettings: Sendable, Equatable {
    /// In a window; then the address's new credentials are not looked at until the window is over.
    public var limit = 20
    public var window: Microseconds = .minutes(1)
    public init() {}
}
