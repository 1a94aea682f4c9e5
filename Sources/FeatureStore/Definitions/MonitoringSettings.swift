/// How the values of features are watched (docs/MONITORING.md).
public struct MonitoringSettings: Sendable, Equatable {
    /// Names of services whose features are watched; empty: all features are.
    public var services: [String] = []
    /// Entities read a second, over all shards.
    public var maxPerSecond = 200
    /// Before an hour is judged.
    public var minObservations = 200
    /// How long hours are kept.
    public var retention: Microseconds = .days(56)
    /// For how long after a feature's first observation it is not judged; nil: for as long as its window.
    public var warmUp: Microseconds?
    public var thresholds = DriftThresholds()
    /// `http` or `https`; nil: alerts are in the metrics, the log and the API only.
    public var webhook: String?
    /// Sent as a bearer token with each webhook.
    public var webhookToken: String?
    public init() {}
}

/// From where on a difference is an alert.
public struct DriftThresholds: Sendable, Equatable {
    /// Population stability index.
    public var psi = 0.25
    /// Of the mean, in deviations of what it is compared with, either way.
    public var meanShift = 2.0
    /// Of the null rate, either way.
    public var nullRate = 0.1
    /// Share of values beyond all that was seen before.
    public var range = 0.02
    /// Share of the most frequent value.
    public var stuck = 0.95
    public init() {}
}
