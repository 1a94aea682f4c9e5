public import FeatureStore
internal import Synchronization

/// Says whose a credential is.
///
/// Every comparison with a secret takes the same time whatever the bytes are. Connections remember what their last credential was
/// (`Peer` of the transports), so that in the steady state nobody comes here.
public final class AccessGuard: Sendable {
    private struct Token: Sendable {
        let hash: [UInt8]
        let expires: Int64?
        let principal: Principal
    }

    /// A verified JWT.
    private struct Kept {
        let principal: Principal
        let until: Int64
        let generation: Int
    }

    private let tokens: [Token]
    private let certificates: [CertificateName: Principal]
    private let principals: [String: PrincipalDefinition]
    private let verifier: TokenVerifier?
    private let kept = Mutex<[[UInt8]: Kept]>([:])
    private let failures: FailureLimit
    /// µs since the epoch.
    private let now: @Sendable () -> Int64
    public let metrics = AccessMetrics()

    /// Verified tokens that are remembered over all connections.
    static let maxKept = 4_096
    /// A longer credential is none.
    static let maxCredentialBytes = 8_192

    /// - Parameter verifier: nil: JWTs are not known.
    public init(_ settings: AccessSettings, verifier: TokenVerifier? = nil, now: @escaping @Sendable () -> Int64) {
        var tokens: [Token] = [], certificates: [CertificateName: Principal] = [:]
        for definition in settings.principals {
            let byToken = Principal(name: definition.name, credential: .token, grants: definition.grants)
            for token in definition.tokens { tokens.append(Token(hash: token.sha256, expires: token.expires, principal: byToken)) }
            let byCertificate = Principal(name: definition.name, credential: .certificate, grants: definition.grants)
            for name in definition.certificates { certificates[name] = byCertificate }
        }
        self.tokens = tokens
        self.certificates = certificates
        principals = Dictionary(settings.principals.map { ($0.name, $0) }) { first, _ in first }
        self.verifier = verifier
        failures = FailureLimit(settings.failures)
        self.now = now
    }

    /// Another number whenever what was found out before counts no more.
    public var generation: Int { verifier?.generation() ?? 0 }

    /// A principal, and until when that holds.
    public struct Resolved: Sendable {
        public let principal: Principal
        /// µs from now.
        public let lasts: Int64
    }

    /// Of the value of an `Authorization` field.
    public func resolve(authorization: UnsafeRawBufferPointer, _ address: ClientAddress) -> Result<Resolved, Refusal> {
        let now = now()
        // Those before it are written down: a flood is not.
        if let wait = failures.blocked(address, now: now) { return .failure(Refusal(.tooManyFailures(wait), isNoted: false)) }
        switch find(authorization, now) {
        case .success(let resolved): return .success(resolved)
        case .failure(let problem):
            _ = failures.note(address, isWrong: true, now: now)
            return .failure(Refusal(problem, isNoted: true))
        }
    }

    /// Of a verified client certificate, by the names that it has. Nil: it is nobody's.
    public func resolve(certificate names: [CertificateName]) -> Principal? {
        for name in names { if let principal = certificates[name] { return principal } }
        return nil
    }

    /// There was no credential. Returns whether that is written down: the first ones of an address are, a flood is not.
    public func missing(_ address: ClientAddress) -> Bool { failures.note(address, isWrong: false, now: now()) <= Self.maxNotedMissing }

    private static let maxNotedMissing = 20

    private func find(_ authorization: UnsafeRawBufferPointer, _ now: Int64) -> Result<Resolved, LookupProblem> {
        guard authorization.count <= Self.maxCredentialBytes, let token = Self.bearer(authorization) else { return .failure(.otherScheme) }
        let hash = SHA256.hash(token)
        if let verifier, token.count(where: { $0 == UInt8(ascii: ".") }) == 2 { return find(jwt: Array(token), hash, verifier, now) }
        var found: Token?
        for token in tokens where Self.isEqual(token.hash, hash) { found = token }
        guard let found else { return .failure(.wrongCredential) }
        if let expires = found.expires, now >= expires { return .failure(.expiredCredential) }
        return .success(Resolved(principal: found.principal, lasts: found.expires.map { $0 - now } ?? .max))
    }

    private func find(jwt: [UInt8], _ hash: [UInt8], _ verifier: TokenVerifier, _ now: Int64) -> Result<Resolved, LookupProblem> {
        // Before the keys are used: whatever they become meanwhile makes this verdict an old one.
        let generation = verifier.generation()
        if let known = kept.withLock({ $0[hash] }), known.generation == generation, now < known.until {
            return .success(Resolved(principal: known.principal, lasts: known.until - now))
        }
        switch verifier.verify(jwt, now) {
        case .wrong: return .failure(.wrongCredential)
        case .expired: return .failure(.expiredCredential)
        case .valid(let name, let permissions, let until):
            let grants = permissions.map { Grants(words: $0) } ?? principals[name]?.grants ?? Grants()
            let principal = Principal(name: name, credential: .jwt, grants: grants)
            kept.withLock {
                if $0.count >= Self.maxKept { $0.removeAll(keepingCapacity: true) }
                $0[hash] = Kept(principal: principal, until: until, generation: generation)
            }
            return .success(Resolved(principal: principal, lasts: until - now))
        }
    }

    /// The token behind `Bearer `, whatever its case (RFC 6750, section 2.1).
    private static func bearer(_ value: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer>? {
        let scheme: StaticString = "bearer "
        guard value.count > scheme.utf8CodeUnitCount else { return nil }
        for i in 0..<scheme.utf8CodeUnitCount {
            let byte = value[i]
            guard (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) == scheme.utf8Start[i] else { return nil }
        }
        var token = value[scheme.utf8CodeUnitCount...]
        while token.first == UInt8(ascii: " ") { token = token.dropFirst() }
        while token.last == UInt8(ascii: " ") || token.last == UInt8(ascii: "\t") { token = token.dropLast() }
        guard !token.isEmpty, !token.contains(where: { $0 <= 0x20 || $0 >= 0x7f || $0 == UInt8(ascii: ",") }) else { return nil }
        return token
    }

    /// Looks at all bytes, whichever differ.
    static func isEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        guard a.count == b.count else { return false }
        var difference: UInt8 = 0
        for i in 0..<a.count { difference |= a[i] ^ b[i] }
        return difference == 0
    }
}
