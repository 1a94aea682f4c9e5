package import FeatureStore

/// Adds observations to the hours they belong to, and judges the hours. No threads and no clock of its own: `FeatureWatch` has them.
package final class FeatureMonitor {
    private struct HourState {
        var summaries: [FeatureSummary]
        /// By watched entity.
        var entities: [DistinctSketch]
        /// Watched entities with observations that are not on the disk.
        var unwritten: Set<Int> = []
        /// Watched entities with observations since the hour was judged.
        var unjudged: Set<Int> = []
        var isClosed = false
        var lastUse = 0
    }

    package let watched: Watched
    package let store: HourStore
    private let measures: DriftMeasures
    private let settings: MonitoringSettings
    private let comparisons: Comparisons
    private var hours: [HourStore.Hour: HourState] = [:]
    private var began: [HourStore.Hour?]
    private var uses = 0
    private var firing: [String: Alert] = [:]
    /// The newest event time, µs.
    private var watermark: Int64 = 0
    /// When it moved last, µs of the wall clock.
    private var movedAt: Int64 = 0
    private var prunedAt = 0
    /// Told of alerts that begin and end.
    package var onAlert: (AlertNotice) -> Void = { _ in }

    /// So many hours are in memory at once; further ones are judged, written and read again when they are needed.
    private static let maxHours = 6
    /// An hour is closed when event time has passed it by so much, for shards that are a little behind.
    private static let grace: Microseconds = .minutes(2)
    /// Older hours, of a replay, are judged, but alert nobody.
    private static let maxAlertAge = 48

    package init(_ watched: Watched, _ settings: MonitoringSettings, store: HourStore) throws(MonitoringError) {
        self.watched = watched
        self.settings = settings
        self.store = store
        measures = DriftMeasures(settings)
        comparisons = try Comparisons(store, watched)
        began = []
        for feature in watched.features { began.append(try store.began(feature.name)) }
        for alert in try store.alerts() where alert.state == .firing { firing[alert.key] = alert }
        // The hour that a stop cut off is judged when its time is over.
        if let newest = try store.newestHour() {
            try load(newest)
            hours[newest]?.unjudged = Set(watched.entities.indices)
            watermark = Int64(newest) * .hours(1)
        }
    }

    package static func hour(of time: Int64) -> HourStore.Hour { Int(time / .hours(1)) }

    // MARK: Observing

    /// `values`: of the entity's features, in the order of its plan. `hash`: of its key.
    package func observe(_ entity: Int, hash: UInt64, values: [FeatureValue], time: Int64, now: Int64) throws(MonitoringError) {
        let hour = Self.hour(of: time)
        // A clock that is wrong, beyond what `max_clock_skew` refuses, must not close the present hours.
        guard time > 0, time <= now + .hours(1), values.count == watched.entities[entity].features.count else { return }
        if hours[hour] == nil {
            try load(hour)
            try evict(except: hour, now: now)
        }
        uses += 1
        let features = watched.entities[entity].features
        add(values, features, SampleHash.mix(hash), entity, to: &hours[hour]!)
        if time > watermark {
            watermark = time
            movedAt = now
        }
        // All in one transaction: each waits for the disk.
        var begun: [(key: String, bytes: [UInt8]?)] = []
        for index in features where began[index] == nil {
            began[index] = hour
            begun.append(HourStore.began(watched.features[index].name, hour))
        }
        try store.put(state: begun)
    }

    private func add(_ values: [FeatureValue], _ features: Range<Int>, _ hash: UInt64, _ entity: Int, to state: inout HourState) {
        for (value, index) in zip(values, features) { state.summaries[index].add(Observed(value)) }
        state.entities[entity].add(hash)
        state.unwritten.insert(entity)
        state.unjudged.insert(entity)
        state.lastUse = uses
    }

    private func load(_ hour: HourStore.Hour) throws(MonitoringError) {
        var state = HourState(summaries: [], entities: [])
        for feature in watched.features { state.summaries.append(try store.summary(feature.name, hour)?.summary ?? FeatureSummary()) }
        for entity in watched.entities { state.entities.append(try store.entities(entity.name, hour) ?? .entities) }
        hours[hour] = state
    }

    private func evict(except hour: HourStore.Hour, now: Int64) throws(MonitoringError) {
        while hours.count > Self.maxHours, let oldest = hours.filter({ $0.key != hour }).min(by: { $0.value.lastUse < $1.value.lastUse })?.key {
            try judge(oldest, isClosed: true, now: now)
            try write(oldest, isDrifted: false, entities: hours[oldest]?.unwritten ?? [])
            hours[oldest] = nil
        }
    }

    // MARK: Writing

    /// Writes what is not on the disk yet.
    package func flush() throws(MonitoringError) {
        for hour in hours.keys.sorted() { try write(hour, isDrifted: false, entities: hours[hour]?.unwritten ?? []) }
        if let newest = hours.keys.max() { try store.noteNewest(newest) }
    }

    private func write(_ hour: HourStore.Hour, isDrifted: Bool, entities: Set<Int>, only feature: Int? = nil) throws(MonitoringError) {
        guard let state = hours[hour], !entities.isEmpty else { return }
        var writes: [HourStore.HourWrite] = []
        for entity in entities {
            var bytes: [UInt8] = []
            state.entities[entity].write(to: &bytes)
            writes.append(.init(name: watched.entities[entity].name + "/", hour: hour, bytes: bytes))
            for index in watched.entities[entity].features where state.summaries[index].count > 0 && (feature == nil || feature == index) {
                writes.append(.init(name: watched.features[index].name, hour: hour, bytes: state.summaries[index].bytes(isDrifted: isDrifted)))
            }
        }
        try store.put(writes)
        if feature == nil { hours[hour]!.unwritten = [] }
    }

    // MARK: Judging

    /// Judges what has changed. `now`: µs of the wall clock.
    package func judge(now: Int64) throws(MonitoringError) {
        try comparisons.refresh()
        let isIdle = now - movedAt > .minutes(1)
        let reached = isIdle ? max(watermark, now) : watermark
        for hour in hours.keys.sorted() {
            let end = Int64(hour + 1) * .hours(1)
            try judge(hour, isClosed: end + Self.grace <= reached, now: now)
        }
        try prune(now: now)
    }

    private func judge(_ hour: HourStore.Hour, isClosed: Bool, now: Int64) throws(MonitoringError) {
        guard let state = hours[hour] else { return }
        let isNews = isClosed && !state.isClosed
        let changed = isNews ? Set(watched.entities.indices) : state.unjudged
        if changed.isEmpty { return }
        var judgements: [HourStore.HourWrite] = []
        var states: [(key: String, bytes: [UInt8]?)] = []
        try write(hour, isDrifted: false, entities: state.unwritten)
        for entity in changed {
            var drifted: Set<Int> = []
            let distinct = state.entities[entity].estimate
            // To find what an hour is compared with takes longer than to see that there is too little of it, as in most hours of a fast replay.
            for index in watched.entities[entity].features where state.summaries[index].count >= measures.leastObservations {
                guard !isWarming(index, hour), let comparison = try comparisons.comparison(index, hour) else { continue }
                let feature = watched.features[index], summary = state.summaries[index]
                let found = measures.measures(summary, entities: distinct, against: comparison)
                if found.isEmpty { continue }
                judgements.append(.init(name: feature.name, hour: hour, bytes: Judgement(comparison, found).bytes))
                if now / .hours(1) - Int64(hour) <= Self.maxAlertAge {
                    states += transitions(feature, found, hour, isClosed) { alert in
                        AlertNotice(alert: alert, summary: summary, entities: distinct, comparison: comparison)
                    }
                }
                if isClosed, found.contains(where: \.isAlert) { drifted.insert(index) }
            }
            if isClosed {
                for index in drifted { try write(hour, isDrifted: true, entities: [entity], only: index) }
                try extendRanges(entity, hour, except: drifted, &states)
            }
        }
        try store.put(judgements: judgements)
        try store.put(state: states)
        hours[hour]!.unjudged = []
        hours[hour]!.isClosed = isClosed
        if isNews { comparisons.forget() }
    }

    /// From which hour on a feature is judged.
    private func isWarming(_ index: Int, _ hour: HourStore.Hour) -> Bool {
        guard let began = began[index] else { return true }
        return Int64(hour - began) * .hours(1) < watched.features[index].warmUp
    }

    /// What closed without a drift belongs to what was seen.
    private func extendRanges(
        _ entity: Int, _ hour: HourStore.Hour, except drifted: Set<Int>, _ states: inout [(key: String, bytes: [UInt8]?)]
    ) throws(MonitoringError) {
        guard comparisons.baseline.hours.contains(hour), let state = hours[hour] else { return }
        for index in watched.entities[entity].features where state.summaries[index].numbers > 0 && !drifted.contains(index) {
            let summary = state.summaries[index], name = watched.features[index].name
            let known = try store.range(name)
            let low = min(known?.lowerBound ?? .infinity, summary.minimum), high = max(known?.upperBound ?? -.infinity, summary.maximum)
            if known != low...high { states.append(HourStore.range(name, low...high)) }
        }
    }

    /// Begins and ends alerts; what is to be written of them.
    private func transitions(
        _ feature: Watched.Feature, _ found: [Measured], _ hour: HourStore.Hour, _ isClosed: Bool, _ notice: (Alert) -> AlertNotice
    ) -> [(key: String, bytes: [UInt8]?)] {
        var states: [(key: String, bytes: [UInt8]?)] = []
        for measure in Measure.allCases {
            let measured = found.first { $0.measure == measure }
            let key = "alert/\(feature.name)/\(measure.name)"
            if let measured, measured.isAlert {
                var alert = Alert(feature, measured, hour: hour)
                let known = firing[key]
                if let known { alert.since = min(known.since, hour) }
                if let known, known.hour > hour { continue }
                firing[key] = alert
                states.append((key, alert.bytes))
                if known == nil { onAlert(notice(alert)) }
            } else if isClosed, var alert = firing[key], alert.hour <= hour {
                alert.state = .resolved
                firing[key] = nil
                states.append((key, alert.bytes))
                onAlert(notice(alert))
            }
        }
        return states
    }

    private func prune(now: Int64) throws(MonitoringError) {
        let hour = Self.hour(of: now)
        guard prunedAt != hour else { return }
        prunedAt = hour
        let names = watched.features.map(\.name) + watched.entities.map { $0.name + "/" }
        try store.prune(names, before: hour - Int(settings.retention / .hours(1)), keeping: comparisons.baseline.kept)
    }

    /// Alerts that fire, for the metrics.
    package var alerts: [Alert] { Array(firing.values) }
}

extension HourStore {
    func newestHour() throws(MonitoringError) -> Hour? { try stateHour("newest") }

    func noteNewest(_ hour: Hour) throws(MonitoringError) {
        if try newestHour() != hour { try put(state: [Self.hourState("newest", hour)]) }
    }
}
