internal import Serving

/// What became of the scheduled snapshots, in Prometheus' terms; nothing when there are none.
struct SnapshotMetricFamilies {
    let schedule: SnapshotSchedule?

    func families() -> [MetricFamily] {
        guard let status = schedule?.status else { return [] }
        return [
            MetricFamily(
                name: "millrace_snapshot_last_success_timestamp_seconds",
                help: "When the newest snapshot was complete, seconds since 1970; 0: there is none.", kind: .gauge,
                value: Double(status.lastSuccess) / 1e6),
            MetricFamily(
                name: "millrace_snapshot_duration_seconds", help: "How long the newest snapshot took.", kind: .gauge, value: status.seconds),
            MetricFamily(
                name: "millrace_snapshot_bytes", help: "What the newest snapshot takes on its disk.", kind: .gauge, value: Double(status.bytes)),
            MetricFamily(
                name: "millrace_snapshots_kept", help: "Snapshots in the directory.", kind: .gauge, value: Double(status.kept)),
            MetricFamily(
                name: "millrace_snapshots_taken_total", help: "Snapshots taken since the process began.", kind: .counter,
                value: Double(status.taken)),
            MetricFamily(
                name: "millrace_snapshot_failures_total", help: "Snapshots that failed since the process began; each is tried again.",
                kind: .counter, value: Double(status.failures)),
        ]
    }
}
