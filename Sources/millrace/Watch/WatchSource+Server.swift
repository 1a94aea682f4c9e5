internal import FeatureStore
internal import Ingest
internal import Monitoring
internal import Serving

extension WatchSource {
    /// What a running server watches.
    init(_ inputs: InputWatch, _ features: FeatureWatch?, _ store: Store) {
        self.init(
            monitoring: { () throws(LookupProblem) in
                guard let features else { return try WatchSource.none.monitoring() }
                do throws(MonitoringError) { return try features.json() } catch { throw LookupProblem(error) }
            },
            feature: { (feature, entity, hours) throws(LookupProblem) in
                guard let features else { throw .notMonitored(feature) }
                do throws(MonitoringError) {
                    return try features.json(feature: feature, entity: entity, hours: hours)
                } catch { throw LookupProblem(error) }
            },
            contracts: { inputs.contractsJSON(isCaughtUp: store.isCaughtUp) },
            drops: { inputs.dropsJSON(counts: store.totalCounts) })
    }
}

extension Store {
    /// Events applied and dropped by stream, over all shards.
    var totalCounts: [StreamCounts] {
        var total = definitions.streams.map { _ in StreamCounts() }
        for shard in shards {
            for (index, counts) in shard.counts.enumerated() {
                total[index].applied += counts.applied
                for reason in counts.dropped.indices { total[index].dropped[reason] += counts.dropped[reason] }
            }
        }
        return total
    }
}

extension LookupProblem {
    init(_ error: MonitoringError) {
        switch error {
        case .unknownFeature(_, let nearest):
            self.init(
                .unknownFeature, detail: "\(error)",
                remedy: nearest == nil ? "GET /v1/monitoring lists those that are watched." : "Use that name, or one that GET /v1/monitoring lists.")
        case .ambiguous: self.init(.badRequest, detail: "\(error)", remedy: "Add ?entity= with one of them.")
        case .storage, .damaged, .export: self.init(.storage, detail: "\(error)", remedy: "Look into the server's log.")
        }
    }
}
