import FeatureStore

/// Finds what an hour is compared with, and remembers it as long as the hour is judged again and again.
final class Comparisons {
    private let store: HourStore
    private let watched: Watched
    private(set) var baseline: Baseline
    private struct Key: Hashable {
        var feature: Int
        var hour: HourStore.Hour
    }
    private var cache: [Key: Comparison?] = [:]
    private static let maxCached = 20_000

    init(_ store: HourStore, _ watched: Watched) throws(MonitoringError) {
        self.store = store
        self.watched = watched
        baseline = try store.baseline()
    }

    /// Looks whether another baseline was set meanwhile.
    func refresh() throws(MonitoringError) {
        let now = try store.baseline()
        if now != baseline { cache = [:] }
        baseline = now
    }

    /// What was closed or changed becomes part of others' pasts.
    func forget() { cache = [:] }

    func comparison(_ feature: Int, _ hour: HourStore.Hour) throws(MonitoringError) -> Comparison? {
        if let known = cache[Key(feature: feature, hour: hour)] { return known }
        let found = try find(feature, hour)
        if cache.count >= Self.maxCached { cache = [:] }
        cache[Key(feature: feature, hour: hour)] = .some(found)
        return found
    }

    private func find(_ index: Int, _ hour: HourStore.Hour) throws(MonitoringError) -> Comparison? {
        let feature = watched.features[index]
        if case .export = baseline {
            guard let summary = try store.exported(feature.name), summary.count > 0 else { return nil }
            let range = summary.numbers > 0 ? summary.minimum...summary.maximum : nil
            return Comparison(kind: .export, hours: 1, summary: summary, entities: Double(summary.count), range: range)
        }
        let allowed = baseline.hours
        let began = try store.began(feature.name)
        let warm = began.map { $0 + Int(feature.warmUp / .hours(1)) } ?? 0
        for (kind, hours, minimum) in Comparison.candidates(hour) {
            let past = try store.summaries(feature.name, hours.filter { $0 >= warm && allowed.contains($0) })
                .filter { !$0.isDrifted && $0.summary.count >= DriftMeasures.minObservationsOfFew }
            if past.count < minimum { continue }
            var summary = FeatureSummary()
            var entities = 0.0
            for one in past {
                summary.merge(one.summary)
                entities += try store.entities(feature.entity, one.hour)?.estimate ?? 0
            }
            return Comparison(kind: kind, hours: past.count, summary: summary, entities: entities, range: try store.range(feature.name))
        }
        return nil
    }
}

extension HourStore {
    /// The first hour in which a feature was observed.
    func began(_ name: String) throws(MonitoringError) -> Hour? { try stateHour("began/\(name)") }

    static func began(_ name: String, _ hour: Hour) -> (key: String, bytes: [UInt8]?) { hourState("began/\(name)", hour) }

    /// Smallest and largest value of the hours that were closed without a drift.
    func range(_ name: String) throws(MonitoringError) -> ClosedRange<Double>? {
        try state("range/\(name)").flatMap { bytes in
            bytes.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                guard let low = reader.readDouble(), let high = reader.readDouble(), low <= high else { return nil }
                return low...high
            }
        }
    }

    static func range(_ name: String, _ range: ClosedRange<Double>?) -> (key: String, bytes: [UInt8]?) {
        guard let range else { return ("range/\(name)", nil) }
        var bytes: [UInt8] = []
        bytes.append(range.lowerBound)
        bytes.append(range.upperBound)
        return ("range/\(name)", bytes)
    }
}
