public import FeatureStore

/// Somebody whose credential was right, and what they may do.
public final class Principal: Sendable {
    public enum Credential: String, Sendable { case token, jwt, certificate }

    public let name: String
    public let credential: Credential
    public let grants: Grants
    /// For comparison with names in requests, in place; nil: all.
    private let services: [[UInt8]]?

    public init(name: String, credential: Credential, grants: Grants) {
        self.name = name
        self.credential = credential
        self.grants = grants
        services = switch grants.services {
        case .all: nil
        case .only(let names): names.map { Array($0.utf8) }
        }
    }

    public func permits(_ need: Need) -> Bool {
        switch need {
        case .open: true
        case .anything: !grants.isEmpty
        case .catalogue: !grants.services.isEmpty
        case .service(let name): grants.services.has(name)
        case .entity(let name): grants.entities.has(name)
        case .entities(let names): !grants.entities.isEmpty && names.allSatisfy { grants.entities.has($0) }
        case .push(let view): grants.push.has(view)
        case .erase: grants.erase
        case .metrics: grants.metrics
        case .admin: grants.admin
        }
    }

    /// The question of the hot path.
    @inline(__always)
    public func mayRead(service name: UnsafeRawBufferPointer) -> Bool {
        guard let services else { return true }
        for service in services where service.count == name.count && service.elementsEqual(name) { return true }
        return false
    }
}
