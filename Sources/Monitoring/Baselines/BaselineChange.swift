import FeatureStore

extension HourStore {
    /// Sets the baseline, and what is taken to be the range of each feature with it: the extremes of the hours that may be compared with.
    package func change(_ baseline: Baseline, summaries: [String: FeatureSummary] = [:], watched: Watched) throws(MonitoringError) {
        try set(baseline, summaries: summaries)
        var states: [(key: String, bytes: [UInt8]?)] = []
        for feature in watched.features {
            var range: ClosedRange<Double>?
            try forEach(feature.name, in: baseline.hours) { recorded in
                guard !recorded.isDrifted, recorded.summary.numbers > 0 else { return }
                let low = min(range?.lowerBound ?? .infinity, recorded.summary.minimum)
                range = low...max(range?.upperBound ?? -.infinity, recorded.summary.maximum)
            }
            if let range { states.append(Self.range(feature.name, range)) } else if try self.range(feature.name) != nil {
                states.append(Self.range(feature.name, nil))
            }
        }
        try put(state: states)
    }

    /// How many hours of a window have observations of any feature.
    package func recordedHours(in range: ClosedRange<Hour>, watched: Watched) throws(MonitoringError) -> Int {
        var hours: Set<Hour> = []
        for feature in watched.features { try forEach(feature.name, in: range) { hours.insert($0.hour) } }
        return hours.count
    }
}
