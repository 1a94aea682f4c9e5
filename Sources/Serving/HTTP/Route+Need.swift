internal import FeatureStore
internal import HTTPTypes
package import Serving

extension Route {
    /// What a path needs, and what is written down of it.
    struct Rule {
        let kind: Routes.Kind
        let need: Need
        private let operation: String
        /// Of which service, view or entity; never a key.
        private let subject: String
        private let written: AuditSettings.Event?
        private let key: String?

        /// - Parameter written: as what; nil: only a refusal is, or its body says what it is.
        init(
            _ kind: Routes.Kind, _ need: Need, _ operation: String, of subject: String = "", written: AuditSettings.Event? = nil, key: String? = nil
        ) {
            self.kind = kind
            self.need = need
            self.operation = operation
            self.subject = subject
            self.written = written
            self.key = key
        }

        /// Nil: only a refusal is written down.
        var event: AuditEvent? {
            written.map { AuditEvent($0, operation, target: subject, entities: key == nil ? 0 : 1, keys: key.map { [$0] } ?? []) }
        }

        var refusal: AuditEvent { AuditEvent(.refusals, operation, target: subject) }
    }

    /// The table of all paths: one that is not here does not compile.
    var rule: Rule {
        switch self {
        case .health: Rule(.health, .open, "probe")
        case .ready: Rule(.ready, .open, "probe")
        case .feastHealth: Rule(.feastHealth, .open, "probe")
        // The console's files hold nothing that is not in every copy of the program.
        case .console, .consoleWithSlash, .consoleFile: Rule(.console, .open, "console")
        case .openAPI: Rule(.openAPI, .anything, "openapi")
        case .metrics: Rule(.metrics, .metrics, "metrics")
        case .services: Rule(.services, .catalogue, "services")
        case .service(let name): Rule(.service, .service(name), "services", of: name)
        case .entity(let name, let key): Rule(.entity, .service(name), "lookup", of: name, written: .lookups, key: key)
        case .explain(let entity, let feature, let key):
            Rule(.explain, .entity(entity), "explain", of: "\(entity).\(feature)", written: .explain, key: key)
        case .features: Rule(.features, .admin, "features")
        case .feature(let entity, let name): Rule(.feature, .entity(entity), "features", of: "\(entity).\(name)")
        case .shards: Rule(.shards, .admin, "shards", written: .admin)
        case .retention: Rule(.retention, .admin, "retention", written: .admin)
        case .monitoring: Rule(.monitoring, .admin, "monitoring", written: .admin)
        case .monitored(let feature): Rule(.monitored, .admin, "monitoring", of: feature, written: .admin)
        case .contracts: Rule(.contracts, .admin, "contracts", written: .admin)
        case .drops: Rule(.drops, .admin, "drops", written: .admin)
        case .erasure(let receipt): Rule(.erasure, .erase, "erasure", of: receipt, written: .admin)
        // Written down once their bodies are read.
        case .erase: Rule(.erase, .erase, "erase")
        case .push(let view): Rule(.push, .push(view: view), "push", of: view)
        // Their bodies say the rest: `Endpoints.need`, `Endpoints.push`.
        case .lookup: Rule(.lookup, .anything, "lookup")
        case .feastLookup: Rule(.feastLookup, .anything, "feast-lookup")
        case .feastPush: Rule(.feastPush, .anything, "push")
        case .feastMaterialize: Rule(.feastMaterialize, .anything, "materialize")
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
        let rule = route.rule
        return (rule.kind, rule.need, isPost)
    }
}
