internal import FeatureStore
internal import Ingest
internal import Monitoring
internal import Serving

/// Monitoring's and the contracts' counters in Prometheus' terms. Labels are names of the definitions, so there are as many as those have.
struct WatchMetricFamilies {
    let inputs: InputWatch
    let features: FeatureWatch?
    let webhooks: WebhookSender?
    let store: Store

    func families() -> [MetricFamily] { monitoring() + webhook() + contracts() }

    private func monitoring() -> [MetricFamily] {
        guard let counts = features?.counts else { return [] }
        return [
            MetricFamily(
                name: "millrace_monitoring_observations_total", help: "Entities whose values feature monitoring has read.", kind: .counter,
                value: Double(counts.observations)),
            MetricFamily(
                name: "millrace_monitoring_left_out_total", help: "Entities that were picked to be read, and left out as there were too many.", kind: .counter,
                value: Double(counts.leftOut)),
            MetricFamily(
                name: "millrace_monitoring_read_failures_total", help: "Entities that could not be read, as their shard was gone or being opened.",
                kind: .counter, value: Double(counts.readFailures)),
            MetricFamily(
                name: "millrace_monitoring_share", help: "Share of the entities touched in a minute that feature monitoring picks.", kind: .gauge,
                value: counts.share),
            MetricFamily(
                name: "millrace_monitoring_busy_seconds_total", help: "Time that the thread of feature monitoring was at work.", kind: .counter,
                value: counts.busySeconds),
            MetricFamily(
                name: "millrace_monitoring_store_bytes", help: "Bytes of the summaries on the disk.", kind: .gauge, value: Double(counts.storeBytes)),
            MetricFamily(
                name: "millrace_monitoring_alert", help: "1 for each measure of a feature that is beyond its threshold; absent otherwise.", kind: .gauge,
                samples: counts.firing.sorted { ($0.entity, $0.feature, $0.measure.rawValue) < ($1.entity, $1.feature, $1.measure.rawValue) }.map {
                    .init(1, labels: [("entity", $0.entity), ("feature", $0.feature), ("measure", $0.measure.name)])
                }),
            MetricFamily(
                name: "millrace_monitoring_alerts_firing", help: "Measures of features that are beyond their thresholds.", kind: .gauge,
                value: Double(counts.firing.count)),
        ]
    }

    private func webhook() -> [MetricFamily] {
        guard let counts = webhooks?.counts else { return [] }
        return [
            MetricFamily(
                name: "millrace_monitoring_webhooks_total",
                help: "Alerts sent to the webhook: delivered, failed after the last attempt, or left out as too many waited.", kind: .counter,
                samples: [("delivered", counts.delivered), ("failed", counts.failed), ("left_out", counts.leftOut)].map {
                    .init(Double($0.1), labels: [("outcome", $0.0)])
                })
        ]
    }

    private func contracts() -> [MetricFamily] {
        let counts = inputs.contractCounts(isCaughtUp: store.isCaughtUp)
        if counts.isEmpty { return [] }
        return [
            MetricFamily(
                name: "millrace_contract_checked_total", help: "Events held against what their stream's fields are expected to be.", kind: .counter,
                samples: counts.map { .init(Double($0.checked), labels: [("stream", $0.stream)]) }),
            MetricFamily(
                name: "millrace_contract_violations_total",
                help: "Values that broke a rule of their field, by stream, field and rule; of `nulls`: hours with too many.", kind: .counter,
                samples: counts.flatMap { stream in
                    stream.violations.map {
                        .init(Double($0.count), labels: [("stream", stream.stream), ("field", $0.field), ("rule", $0.rule)])
                    }
                }),
            MetricFamily(
                name: "millrace_contract_volume_violations_total", help: "Minutes with fewer or more events than the stream's volume.", kind: .counter,
                samples: counts.flatMap { stream -> [MetricFamily.Sample] in
                    guard let minutes = stream.minutes else { return [] }
                    return [("min", minutes.below), ("max", minutes.above)].map {
                        .init(Double($0.1), labels: [("stream", stream.stream), ("bound", $0.0)])
                    }
                }),
        ]
    }
}

extension Store {
    /// Whether every shard here has applied what its topics hold.
    var isCaughtUp: Bool { isAssigned && shardStatuses().allSatisfy { $0.lagEvents == 0 && $0.state == .open } }
}
