internal import FeatureStore

extension LookupService {
    /// Serving's own metrics and those of the shards. The executable adds ingest's beside them.
    public func metricFamilies() -> [MetricFamily] { metrics.families() + shardFamilies(source.shardStatuses()) }

    private func shardFamilies(_ statuses: [ShardStatus]) -> [MetricFamily] {
        func gauge(_ name: String, _ help: String, _ value: (ShardStatus) -> Double?) -> MetricFamily {
            MetricFamily(
                name: name, help: help, kind: .gauge,
                samples: statuses.compactMap { status in
                    value(status).map { .init($0, labels: [("shard", String(status.shard))]) }
                })
        }
        func positions(_ name: String, _ help: String, _ value: (ShardStatus.SourcePosition) -> Int64?) -> MetricFamily {
            MetricFamily(
                name: name, help: help, kind: .gauge,
                samples: statuses.flatMap(\.positions).compactMap { position in
                    value(position).map {
                        .init(Double($0), labels: [("topic", position.topic), ("partition", String(position.partition))])
                    }
                })
        }
        return [
            MetricFamily(
                name: "millrace_ready", help: "1 when /readyz answers 200, else 0.", kind: .gauge,
                value: readiness().isReady ? 1 : 0),
            gauge("millrace_shard_up", "1 while the shard applies events or waits for brokers, 0 when it stopped and needs a person.") {
                $0.state == .stopped ? 0 : 1
            },
            gauge("millrace_shard_lag_events", "Events that the topics hold and the shard has not applied.") {
                $0.lagEvents.map(Double.init)
            },
            gauge("millrace_shard_freshness_seconds", "Age of the newest state: 0 when caught up, else that of the newest applied record.") {
                $0.freshness.map { Double($0) / 1e6 }
            },
            gauge("millrace_shard_rows", "Entities the shard knows of.") { Double($0.rows) },
            gauge("millrace_shard_map_bytes", "Size of the shard's LMDB map; it grows by itself.") { Double($0.mapBytes) },
            gauge("millrace_shard_map_used_bytes", "Bytes of the map that hold data.") { Double($0.usedBytes) },
            positions("millrace_source_position_offset", "Next offset to apply.", \.offset),
            positions("millrace_source_end_offset", "End of the partition's log when last heard of.", \.end),
        ]
    }
}
