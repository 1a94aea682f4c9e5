/// Who asks, and over what.
public struct Caller: Sendable {
    public enum Standing: Sendable {
        /// Nothing is guarded.
        case unguarded
        case known(Principal)
        /// There is no credential.
        case anonymous
        /// There is a wrong one.
        case refused(Refusal)
    }

    public enum Transport: String, Sendable { case http1 = "http/1.1", http2 = "http/2", grpc }

    public var standing: Standing
    public var address: ClientAddress
    public var transport: Transport

    public init(_ standing: Standing, address: ClientAddress = .unknown, transport: Transport = .http1) {
        self.standing = standing
        self.address = address
        self.transport = transport
    }

    public var principal: Principal? { if case .known(let principal) = standing { principal } else { nil } }

    public func require(_ need: Need) throws(LookupProblem) {
        switch standing {
        case .unguarded: return
        case .known(let principal): if !principal.permits(need) { throw .permissionDenied(principal, need) }
        case .anonymous: if need != .open { throw .noCredential }
        case .refused(let refusal): if need != .open { throw refusal.problem }
        }
    }

    /// Whether a list shows the service.
    public func sees(service name: String) -> Bool {
        switch standing {
        case .unguarded: true
        case .known(let principal): principal.permits(.service(name))
        case .anonymous, .refused: false
        }
    }
}

/// Why a credential does not count.
public final class Refusal: Error {
    public let problem: LookupProblem
    /// Whether it goes into the audit log.
    public let isNoted: Bool

    init(_ problem: LookupProblem, isNoted: Bool) {
        self.problem = problem
        self.isNoted = isNoted
    }
}
