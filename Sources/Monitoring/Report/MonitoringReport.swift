package import FeatureStore

/// What monitoring has to tell, read from its store: for the API beside the thread that writes it, and for `millrace monitor` beside the
/// server.
package final class MonitoringReport {
    package enum State: String, Sendable { case alert, ok, learning, warming, few, idle }

    /// How one feature stands.
    package struct Standing {
        package var feature: Watched.Feature
        package var state: State
        /// The newest hour with observations; nil: there is none.
        package var hour: HourStore.Hour?
        package var isOpen = false
        package var summary: FeatureSummary?
        package var entities: Double?
        package var comparison: Comparison?
        package var measures: [Measured] = []
    }

    let watched: Watched
    let store: HourStore
    package let settings: MonitoringSettings
    private let comparisons: Comparisons
    private let measures: DriftMeasures
    package let alerts: [Alert]
    package var baseline: Baseline { comparisons.baseline }

    package init(_ watched: Watched, _ settings: MonitoringSettings, _ store: HourStore) throws(MonitoringError) {
        self.watched = watched
        self.settings = settings
        self.store = store
        comparisons = try Comparisons(store, watched)
        measures = DriftMeasures(settings)
        alerts = try store.alerts()
    }

    package var firing: [Alert] { alerts.filter { $0.state == .firing } }
    /// Those that fire, and the last 50 that did.
    package var listed: [Alert] { firing + alerts.filter { $0.state == .resolved }.prefix(50) }

    /// All features; `now` in µs.
    package func standings(now: Int64) throws(MonitoringError) -> [Standing] {
        var found: [Standing] = []
        for index in watched.features.indices { found.append(try standing(index, now: now)) }
        return found
    }

    package func standing(_ index: Int, now: Int64) throws(MonitoringError) -> Standing {
        let feature = watched.features[index]
        var standing = Standing(feature: feature, state: .idle)
        guard let newest = try newest(feature) else { return standing }
        let hour = newest.hour
        standing.hour = hour
        standing.isOpen = Int64(hour + 1) * .hours(1) > now
        standing.summary = newest.summary
        let entities = try store.entities(feature.entity, hour)?.estimate ?? 0
        standing.entities = entities
        if firing.contains(where: { $0.entity == feature.entity && $0.feature == feature.feature }) {
            standing.state = .alert
        } else if let began = try store.began(feature.name), Int64(hour - began) * .hours(1) < feature.warmUp {
            standing.state = .warming
        } else {
            standing.state = .ok
        }
        guard standing.state != .warming, let comparison = try comparisons.comparison(index, hour) else {
            if standing.state == .ok { standing.state = .learning }
            return standing
        }
        standing.comparison = comparison
        standing.measures = measures.measures(newest.summary, entities: entities, against: comparison)
        // A young hour has little: then the one before says how the feature is.
        if standing.state == .ok, standing.measures.isEmpty, try store.judgement(feature.name, hour - 1) == nil { standing.state = .few }
        return standing
    }

    private func newest(_ feature: Watched.Feature) throws(MonitoringError) -> HourStore.Recorded? {
        guard let last = try store.newestHour() else { return nil }
        for hour in stride(from: last, through: max(0, last - 48), by: -1) {
            if let found = try store.summary(feature.name, hour) { return found }
        }
        var found: HourStore.Recorded?
        try store.forEach(feature.name, in: 0...last) { found = $0 }
        return found
    }

    /// The recorded hours of a feature, the last `count` of them by the clock of the newest.
    package func series(_ index: Int, hours count: Int) throws(MonitoringError) -> [(recorded: HourStore.Recorded, entities: Double, judgement: Judgement?)] {
        let feature = watched.features[index]
        guard let last = try newest(feature)?.hour else { return [] }
        var recorded: [HourStore.Recorded] = []
        try store.forEach(feature.name, in: max(0, last - count + 1)...last) { recorded.append($0) }
        var series: [(recorded: HourStore.Recorded, entities: Double, judgement: Judgement?)] = []
        for one in recorded {
            series.append((one, try store.entities(feature.entity, one.hour)?.estimate ?? 0, try store.judgement(feature.name, one.hour)))
        }
        return series
    }
}
