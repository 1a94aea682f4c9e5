import FeatureStore
import Foundation
import Monitoring
import TestSupport
import Testing

@Suite struct DriftMeasuresTests {
    private var random = SeededGenerator(seed: 11)

    /// Log-normal by twelve uniform ones.
    private mutating func amounts(_ count: Int, scale: Double = 1, nulls: Int = 5) -> FeatureSummary {
        var summary = FeatureSummary()
        for _ in 0..<count {
            if random.chance(nulls) {
                summary.add(.null)
            } else {
                let normal = (0..<12).reduce(-6.0) { sum, _ in sum + Double(random.below(1 << 20)) / Double(1 << 20) }
                summary.add(.number(scale * exp(normal)))
            }
        }
        return summary
    }

    private func comparison(_ summary: FeatureSummary, _ kind: Comparison.Kind = .hourOfWeek, entities: Double = 3000) -> Comparison {
        Comparison(kind: kind, hours: 4, summary: summary, entities: entities, range: summary.numbers > 0 ? summary.minimum...summary.maximum : nil)
    }

    private func measured(_ hour: FeatureSummary, _ comparison: Comparison, entities: Double = 800) -> [Measure: Measured] {
        let found = DriftMeasures(.init()).measures(hour, entities: entities, against: comparison)
        return Dictionary(uniqueKeysWithValues: found.map { ($0.measure, $0) })
    }

    @Test mutating func theSameDistributionIsNoDriftByAnyMeasure() {
        for _ in 0..<50 {
            let found = measured(amounts(1000), comparison(amounts(4000)))
            #expect(found.count >= 4 && found.values.allSatisfy { !$0.isAlert }, "\(found)")
        }
    }

    @Test mutating func anotherScaleIsFoundByTheIndexAndAFarOneByTheMeanToo() {
        let usual = comparison(amounts(4000))
        #expect(measured(amounts(1000, scale: 2.5), usual)[.psi]!.isAlert)
        let far = measured(amounts(1000, scale: 10), usual)
        #expect(far[.psi]!.isAlert && far[.meanShift]!.isAlert && far[.range]!.isAlert && far[.meanShift]!.value > 2)
        #expect(measured(amounts(1000, scale: 0.1), usual)[.psi]!.isAlert)
    }

    @Test mutating func nullsAndAStuckValueAreFound() {
        let usual = comparison(amounts(4000))
        let nulls = measured(amounts(1000, nulls: 40), usual)
        #expect(nulls[.nullRate]!.isAlert && !nulls[.psi]!.isAlert)
        var stuck = FeatureSummary()
        for _ in 0..<1000 { stuck.add(.number(1)) }
        #expect(measured(stuck, usual)[.stuck]!.isAlert)
        // What always was one value is not stuck.
        #expect(measured(stuck, comparison(stuck))[.stuck] == nil)
    }

    @Test mutating func anHourWithTooLittleIsNotJudged() {
        let usual = comparison(amounts(4000))
        #expect(measured(amounts(150, scale: 10), usual).isEmpty)
        #expect(measured(amounts(1000, scale: 10), usual, entities: 20).isEmpty)
        #expect(!measured(amounts(40, scale: 100), comparison(amounts(400), entities: 4), entities: 1).isEmpty)
    }

    @Test mutating func hoursThatAreLessAlikeMustDifferMore() {
        let shifted = amounts(1000, scale: 2), usual = amounts(4000)
        let week = measured(shifted, comparison(usual, .hourOfWeek))[.psi]!, overall = measured(shifted, comparison(usual, .overall))[.psi]!
        #expect(week.value == overall.value && abs(overall.threshold - week.threshold - 0.75) < 1e-9)
        #expect(week.isAlert && !overall.isAlert)
    }

    @Test func categoriesThatComeAndGoAreADrift() {
        func categories(_ shares: [(UInt64, Int)]) -> FeatureSummary {
            var summary = FeatureSummary()
            for (hash, count) in shares { for _ in 0..<count { summary.add(.hash(hash)) } }
            return summary
        }
        let usual = comparison(categories([(1, 500), (2, 300), (3, 200)]))
        #expect(!measured(categories([(1, 260), (2, 145), (3, 95)]), usual)[.psi]!.isAlert)
        #expect(measured(categories([(1, 260), (2, 145), (9, 95)]), usual)[.psi]!.isAlert)
    }

    @Test mutating func binsHaveWholeBucketsOfBothAndAllOfThem() {
        for _ in 0..<30 {
            let a = amounts(random.int(1...3000)), b = amounts(random.int(1...3000), scale: 3)
            let bins = DriftBins(a.sketch, b.sketch)
            #expect(bins.counts.reduce(0) { $0 + $1.hour } == Double(a.numbers) && bins.counts.reduce(0) { $0 + $1.usual } == Double(b.numbers))
            #expect(bins.counts.count <= 10 && bins.lows.count == bins.counts.count && bins.lows[0] == nil)
            #expect(zip(bins.lows.dropFirst(), bins.lows.dropFirst(2)).allSatisfy { $0! < $1! })
        }
    }
}
