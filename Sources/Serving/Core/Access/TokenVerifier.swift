public import FeatureStore

/// Checks tokens that somebody else has signed; the module ServingJWT makes one.
public struct TokenVerifier: Sendable {
    public enum Verdict: Sendable {
        /// - Parameter until: µs since the epoch.
        case valid(name: String, permissions: [String]?, until: Int64)
        case expired
        /// For the log; it says nothing of the token itself.
        case wrong(String)
    }

    /// - Parameters:
    ///   - token: three parts with dots between.
    ///   - now: µs since the epoch.
    public var verify: @Sendable (_ token: [UInt8], _ now: Int64) -> Verdict
    /// Another number whenever the keys have changed, so that what was verified with the old ones counts no more.
    public var generation: @Sendable () -> Int

    public init(verify: @escaping @Sendable ([UInt8], Int64) -> Verdict, generation: @escaping @Sendable () -> Int) {
        self.verify = verify
        self.generation = generation
    }
}

extension Grants {
    /// Of the words that a token has: `service:homepage`, `service:*`, `entity:customer`, `push:churn_model`, `erase`, `metrics`, `admin`. Others
    /// are somebody else's and passed over.
    public init(words: [String]) {
        self.init()
        for word in words {
            switch word {
            case "erase": erase = true
            case "metrics": metrics = true
            case "admin": admin = true
            default:
                let parts = word.split(separator: ":", maxSplits: 1).map(String.init)
                guard parts.count == 2 else { continue }
                switch parts[0] {
                case "service": services.add(parts[1])
                case "entity": entities.add(parts[1])
                case "push": push.add(parts[1])
                default: continue
                }
            }
        }
    }
}

extension Grants.Names {
    fileprivate mutating func add(_ name: String) {
        if name == "*" { self = .all } else if case .only(let names) = self { self = .only(names.union([name])) }
    }
}
