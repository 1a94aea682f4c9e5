package import FeatureStore
internal import Glibc

/// The measures, as docs/MONITORING.md defines them. Pure: summaries in, numbers out.
package struct DriftMeasures {
    let settings: MonitoringSettings

    package init(_ settings: MonitoringSettings) { self.settings = settings }

    /// Distinct entities below which an hour is not judged, or only by some measures.
    package static let minEntities = 30.0
    /// Observations before an hour of few entities is judged.
    package static let minObservationsOfFew: UInt64 = 30
    private static let factorOfFew = 3.0

    /// Whether there is enough of the hour to say something.
    package func isEnough(_ summary: FeatureSummary, entities: Double, _ comparison: Comparison) -> Bool {
        if comparison.isOfFew { return summary.count >= Self.minObservationsOfFew }
        return summary.count >= UInt64(settings.minObservations) && entities >= Self.minEntities
    }

    /// With fewer observations there is nothing to say of any hour, whatever it is compared with.
    package var leastObservations: UInt64 { min(Self.minObservationsOfFew, UInt64(settings.minObservations)) }

    /// Those that can be computed; empty when the hour has too little.
    package func measures(_ hour: FeatureSummary, entities: Double, against comparison: Comparison) -> [Measured] {
        guard isEnough(hour, entities: entities, comparison), comparison.summary.count > 0 else { return [] }
        let usual = comparison.summary
        let few = comparison.isOfFew
        let factor = comparison.kind.factor
        // What a sample of so many entities says: observations of one entity are not independent.
        let n = max(1, min(entities, Double(hour.count)))
        let m = max(1, min(comparison.entities, Double(usual.count)))
        var found: [Measured] = []
        func add(_ measure: Measure, _ value: Double, _ threshold: Double) {
            if value.isFinite { found.append(Measured(measure: measure, value: value, threshold: threshold)) }
        }
        if !few, hour.values > 0, usual.values > 0 {
            // Of those that have a value.
            let x = max(1, n * Double(hour.values) / Double(hour.count)), y = max(1, m * Double(usual.values) / Double(usual.count))
            let (index, chance) = Self.psi(hour, usual, x, y)
            add(.psi, index, settings.thresholds.psi * factor + chance)
        }
        if hour.numbers > 0, usual.numbers > 0, let deviation = usual.deviation {
            // A twentieth of the mean at least: of what never varied, any change is many deviations.
            let sigma = max(deviation, 0.05 * abs(usual.mean))
            if sigma > 0 { add(.meanShift, (hour.mean - usual.mean) / sigma, settings.thresholds.meanShift * (few ? Self.factorOfFew : 1)) }
        }
        if let now = hour.nullRate, let before = usual.nullRate {
            add(.nullRate, now - before, settings.thresholds.nullRate * factor + Self.chance(before, n, m))
        }
        if !few, let range = comparison.range, hour.numbers > 0 {
            let limit = settings.thresholds.range
            add(.range, Self.outside(hour, range), limit * factor + Self.chance(limit, n, m))
        }
        if let now = hour.topShare, let before = usual.topShare, before <= 0.5 * now { add(.stuck, now, settings.thresholds.stuck) }
        return found
    }

    /// Three standard errors of the difference of two shares.
    private static func chance(_ share: Double, _ n: Double, _ m: Double) -> Double {
        let share = min(max(share, 0.01), 0.99)
        return 3 * (share * (1 - share) * (1 / n + 1 / m)).squareRoot()
    }

    /// Share of the numbers outside of a range. By buckets: what shares one with its end is inside.
    static func outside(_ hour: FeatureSummary, _ range: ClosedRange<Double>) -> Double {
        let coarseness = hour.sketch.coarseness
        let low = ValueSketch.key(of: range.lowerBound, coarseness: coarseness)
        let high = ValueSketch.key(of: range.upperBound, coarseness: coarseness)
        return Double(hour.sketch.count(below: low, above: high)) / Double(hour.numbers)
    }

    /// Σ (p − q) ln(p / q) over the bins, less what chance would give samples of `n` and `m` of one distribution in the mean; and three
    /// standard deviations of that.
    static func psi(_ hour: FeatureSummary, _ usual: FeatureSummary, _ n: Double, _ m: Double) -> (index: Double, chance: Double) {
        let bins = hour.isCategory || usual.isCategory ? categories(hour, usual) : DriftBins(hour.sketch, usual.sketch).counts
        guard bins.count > 1 else { return (0, 0) }
        let b = Double(bins.count)
        let p = bins.reduce(0) { $0 + $1.hour }, q = bins.reduce(0) { $0 + $1.usual }
        guard p > 0, q > 0 else { return (0, 0) }
        var sum = 0.0
        for bin in bins {
            // Half an entity in each, so that an empty one is no infinity.
            let x = (bin.hour / p * n + 0.5) / (n + 0.5 * b), y = (bin.usual / q * m + 0.5) / (m + 0.5 * b)
            sum += (x - y) * log(x / y)
        }
        // Of one distribution the sum is (1/n + 1/m) χ² with b − 1 degrees of freedom.
        let unit = 1 / n + 1 / m
        return (max(0, sum - (b - 1) * unit), 3 * (2 * (b - 1)).squareRoot() * unit)
    }

    /// The usual's values that are at least a twentieth of all, and the rest.
    private static func categories(_ hour: FeatureSummary, _ usual: FeatureSummary) -> [DriftBins.Counts] {
        var bins: [DriftBins.Counts] = []
        var rest = DriftBins.Counts(hour: Double(hour.values), usual: Double(usual.values))
        for (hash, count) in zip(usual.frequent.hashes, usual.frequent.counts) where count * 20 >= usual.values {
            let bin = DriftBins.Counts(hour: Double(hour.frequent.count(of: hash)), usual: Double(count))
            bins.append(bin)
            rest.hour -= bin.hour
            rest.usual -= bin.usual
        }
        return bins + [rest]
    }
}
