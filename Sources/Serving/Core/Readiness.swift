internal import FeatureStore

/// Whether this process should get traffic: it knows its shards, none is stopped, and each is known to be close to the end of its topics.
public struct Readiness: Sendable, Equatable {
    /// What is missing, one sentence each; empty when ready.
    public var missing: [String]
    public var isReady: Bool { missing.isEmpty }
}

extension LookupService {
    public func readiness() -> Readiness {
        guard source.isAssigned() else {
            return Readiness(missing: ["No shards are assigned yet: the consumer group has not answered, or no broker is reachable."])
        }
        let limit = source.definitions.server.readyLagEvents
        var missing: [String] = []
        for status in source.shardStatuses() {
            if status.state == .stopped {
                missing.append("Shard \(status.shard) is stopped: \(status.reason ?? "no reason given").")
            } else if let lag = status.lagEvents {
                if lag > limit {
                    missing.append("Shard \(status.shard) is \(lag) events behind; ready at \(limit) (server.ready_lag).")
                }
            } else {
                let cause = status.state == .disconnected ? status.reason ?? "no broker answers" : "nothing has been fetched"
                missing.append("Shard \(status.shard) does not know its lag yet: \(cause).")
            }
        }
        return Readiness(missing: missing)
    }
}
