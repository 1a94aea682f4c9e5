internal import FeatureStore
internal import HTTPTypes
package import Serving

/// Each path says here what it needs and what is written down of it: one that does not, does not compile.
extension Route {
    var need: Need {
        switch self {
        // The console's files hold nothing that is not in every copy of the program.
        case .health, .ready, .feastHealth, .console, .consoleWithSlash, .consoleFile: .open
        case .openAPI: .anything
        case .services: .catalogue
        case .service(let name), .entity(let name, _): .service(name)
        case .push(let view): .push(view: view)
        case .explain(let entity, _, _): .entity(entity)
        case .erase, .erasure: .erase
        case .shards, .retention, .features, .monitoring, .monitored, .contracts, .drops: .admin
        case .feature(let entity, _): .entity(entity)
        case .metrics: .metrics
        // Their bodies say the rest: `Endpoints.need`, `Endpoints.push`.
        case .lookup, .feastLookup, .feastPush, .feastMaterialize: .anything
        }
    }

    /// Nil: only a refusal is.
    var event: AuditEvent? {
        switch self {
        case .health, .ready, .feastHealth, .openAPI, .services, .service, .features, .feature, .metrics, .feastMaterialize: nil
        case .console, .consoleWithSlash, .consoleFile: nil
        case .entity(let name, let key): AuditEvent(.lookups, "lookup", target: name, entities: 1, keys: [key])
        case .explain(let entity, let feature, let key): AuditEvent(.explain, "explain", target: "\(entity).\(feature)", entities: 1, keys: [key])
        case .erasure(let receipt): AuditEvent(.admin, "erasure", target: receipt)
        case .shards: AuditEvent(.admin, "shards")
        case .monitoring: AuditEvent(.admin, "monitoring")
        case .monitored(let feature): AuditEvent(.admin, "monitoring", target: feature)
        case .contracts: AuditEvent(.admin, "contracts")
        case .drops: AuditEvent(.admin, "drops")
        case .retention: AuditEvent(.admin, "retention")
        // Written down once their bodies are read.
        case .lookup, .feastLookup, .push, .feastPush, .erase: nil
        }
    }

    /// As a refusal is written down.
    var operation: String {
        switch self {
        case .health, .ready, .feastHealth: "probe"
        case .openAPI: "openapi"
        case .services, .service: "services"
        case .features, .feature: "features"
        case .console, .consoleWithSlash, .consoleFile: "console"
        case .entity, .lookup: "lookup"
        case .feastLookup: "feast-lookup"
        case .push, .feastPush: "push"
        case .feastMaterialize: "materialize"
        case .explain: "explain"
        case .erase: "erase"
        case .erasure: "erasure"
        case .retention: "retention"
        case .shards: "shards"
        case .monitoring, .monitored: "monitoring"
        case .contracts: "contracts"
        case .drops: "drops"
        case .metrics: "metrics"
        }
    }

    /// Of which service, view or entity; never a key.
    var subject: String {
        switch self {
        case .service(let name), .entity(let name, _), .push(let name): name
        case .erasure(let receipt): receipt
        case .monitored(let feature): feature
        case .feature(let entity, let name): "\(entity).\(name)"
        case .explain(let entity, let feature, _): "\(entity).\(feature)"
        case .health, .ready, .feastHealth, .openAPI, .services, .lookup, .feastLookup, .feastPush, .feastMaterialize, .shards, .metrics, .erase, .retention, .features, .console, .monitoring,
            .contracts, .drops,
            .consoleWithSlash, .consoleFile: ""
        }
    }
}

/// The paths that there are, for whoever must not forget one.
package enum Routes {
    /// One for each case of `Route`, by what it needs to be told apart.
    package enum Kind: CaseIterable {
        case services, service, entity, lookup, push, erase, erasure, retention, explain, features, feature, shards, monitoring, monitored, contracts, drops, health, ready, metrics, openAPI
        case console
        case feastLookup, feastHealth, feastMaterialize, feastPush
    }

    /// Templates, such as `/v1/services/{service}`.
    package static var paths: [String] { Route.paths }

    /// What is at a path.
    package static func at(_ path: String) throws -> (kind: Kind, need: Need, isPost: Bool) {
        let route = try Route(RequestTarget(path))
        var isPost = false
        do { try route.check(method: .get) } catch { isPost = true }
        return (route.kind, route.need, isPost)
    }
}

extension Route {
    fileprivate var kind: Routes.Kind {
        switch self {
        case .services: .services
        case .service: .service
        case .entity: .entity
        case .lookup: .lookup
        case .push: .push
        case .erase: .erase
        case .erasure: .erasure
        case .retention: .retention
        case .explain: .explain
        case .features: .features
        case .feature: .feature
        case .shards: .shards
        case .monitoring: .monitoring
        case .monitored: .monitored
        case .contracts: .contracts
        case .drops: .drops
        case .console, .consoleWithSlash, .consoleFile: .console
        case .health: .health
        case .ready: .ready
        case .metrics: .metrics
        case .openAPI: .openAPI
        case .feastLookup: .feastLookup
        case .feastHealth: .feastHealth
        case .feastMaterialize: .feastMaterialize
        case .feastPush: .feastPush
        }
    }
}
