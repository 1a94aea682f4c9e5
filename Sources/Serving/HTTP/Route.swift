internal import HTTPTypes
internal import Serving

/// The paths of the API, and the methods they take.
enum Route {
    case services
    case service(String)
    case entity(service: String, key: String)
    case lookup
    case push(String)
    case erase
    case retention
    case erasure(receipt: String)
    case explain(entity: String, feature: String, key: String)
    case features
    case feature(entity: String, name: String)
    case shards
    case monitoring
    case monitored(feature: String)
    case contracts
    case drops
    case health
    case ready
    case metrics
    case openAPI
    /// The web console; docs/CONSOLE.md.
    case console
    case consoleWithSlash
    case consoleFile(version: String, name: String)
    /// Feast's own paths; docs/FEAST.md.
    case feastLookup
    case feastHealth
    case feastMaterialize
    case feastPush

    static let paths = [
        "/v1/services", "/v1/services/{service}", "/v1/services/{service}/entities/{key}", "/v1/lookup", "/v1/push/{view}",
        "/v1/erase", "/v1/erasures/{receipt}", "/v1/retention",
        "/v1/explain/{entity}/{feature}/{key}", "/v1/features", "/v1/features/{entity}/{feature}", "/v1/shards", "/v1/monitoring",
        "/v1/monitoring/{feature}", "/v1/contracts", "/v1/drops", "/healthz",
        "/readyz", "/metrics", "/openapi.yaml", "/console", "/get-online-features", "/health", "/push", "/write-to-online-store", "/materialize",
        "/materialize-incremental",
    ]

    init(_ target: RequestTarget) throws(LookupProblem) {
        let parts = target.segments
        switch parts.count {
        case 5 where parts[0] == "v1" && parts[1] == "services" && parts[3] == "entities":
            self = .entity(service: try decoded(parts[2], "The service"), key: try decoded(parts[4], "The key"))
        case 5 where parts[0] == "v1" && parts[1] == "explain":
            self = .explain(
                entity: try decoded(parts[2], "The entity"), feature: try decoded(parts[3], "The feature"), key: try decoded(parts[4], "The key"))
        case 4 where parts[0] == "v1" && parts[1] == "features" && !parts[2].isEmpty && !parts[3].isEmpty:
            self = .feature(entity: try decoded(parts[2], "The entity"), name: try decoded(parts[3], "The feature"))
        case 3 where parts[0] == "console": self = .consoleFile(version: String(parts[1]), name: String(parts[2]))
        case 3 where parts[0] == "v1" && parts[1] == "services" && !parts[2].isEmpty:
            self = .service(try decoded(parts[2], "The service"))
        case 3 where parts[0] == "v1" && parts[1] == "push" && !parts[2].isEmpty: self = .push(try decoded(parts[2], "The view"))
        case 3 where parts[0] == "v1" && parts[1] == "erasures" && !parts[2].isEmpty: self = .erasure(receipt: try decoded(parts[2], "The receipt"))
        case 2 where parts[0] == "v1" && parts[1] == "erase": self = .erase
        case 2 where parts[0] == "v1" && parts[1] == "retention": self = .retention
        case 2 where parts[0] == "v1" && parts[1] == "services": self = .services
        case 2 where parts[0] == "v1" && parts[1] == "lookup": self = .lookup
        case 2 where parts[0] == "v1" && parts[1] == "features": self = .features
        case 2 where parts[0] == "v1" && parts[1] == "shards": self = .shards
        case 2 where parts[0] == "console" && parts[1].isEmpty: self = .consoleWithSlash
        case 2 where parts[0] == "v1" && parts[1] == "monitoring": self = .monitoring
        case 2 where parts[0] == "v1" && parts[1] == "contracts": self = .contracts
        case 2 where parts[0] == "v1" && parts[1] == "drops": self = .drops
        case 3 where parts[0] == "v1" && parts[1] == "monitoring" && !parts[2].isEmpty: self = .monitored(feature: try decoded(parts[2], "The feature"))
        case 1 where parts[0] == "healthz": self = .health
        case 1 where parts[0] == "readyz": self = .ready
        case 1 where parts[0] == "metrics": self = .metrics
        case 1 where parts[0] == "openapi.yaml": self = .openAPI
        case 1 where parts[0] == "console": self = .console
        case 1 where parts[0] == "get-online-features": self = .feastLookup
        case 1 where parts[0] == "health": self = .feastHealth
        case 1 where parts[0] == "materialize" || parts[0] == "materialize-incremental": self = .feastMaterialize
        case 1 where parts[0] == "push" || parts[0] == "write-to-online-store": self = .feastPush
        // A Feast client whose path ends in a slash writes two.
        case 2 where parts[0].isEmpty && parts[1] == "get-online-features": self = .feastLookup
        case 2 where parts[0].isEmpty && parts[1] == "write-to-online-store": self = .feastPush
        default:
            throw LookupProblem(
                .unknownPath, detail: "There is nothing at \"\(target.path.prefix(200))\".",
                remedy: "Paths are \(Self.paths.joined(separator: ", ")). A slash inside a key is written %2F.")
        }
    }

    func check(method: HTTPRequest.Method) throws(LookupProblem) {
        switch self {
        case .lookup, .push, .erase, .feastLookup, .feastMaterialize, .feastPush:
            if method == .post { return }
            throw Self.notAllowed(method, allowed: "POST")
        default: break
        }
        if method == .get || method == .head { return }
        throw Self.notAllowed(method, allowed: "GET, HEAD")
    }

    private static func notAllowed(_ method: HTTPRequest.Method, allowed: String) -> LookupProblem {
        LookupProblem(
            .methodNotAllowed, detail: "This path does not take \(method.rawValue.prefix(32)).", remedy: "Use \(allowed).",
            allowedMethods: allowed)
    }
}

/// A path segment without its percent escapes.
private func decoded(_ segment: Substring, _ what: String) throws(LookupProblem) -> String {
    if let text = percentDecoded(segment) { return text }
    throw LookupProblem(
        .badKey, detail: "\(what) is not percent-encoded UTF-8.", remedy: "Encode it as encodeURIComponent or urllib.parse.quote(key, safe=\"\") do.")
}
