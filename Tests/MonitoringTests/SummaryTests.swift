import FeatureStore
import Foundation
import Monitoring
import TestSupport
import Testing

@Suite struct SummaryTests {
    private func summary(_ values: [Double]) -> FeatureSummary {
        var summary = FeatureSummary()
        for value in values { summary.add(.number(value)) }
        return summary
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func quantilesAreWithinTheirBoundAndMergingIsAddingAll(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var parts: [FeatureSummary] = []
        var all: [Double] = []
        for _ in 0..<7 {
            let values = (0..<random.int(1...2000)).map { _ in exp(Double(random.int(-3000...3000)) / 1000) * (random.chance(20) ? -1 : 1) }
            parts.append(summary(values))
            all += values
        }
        var merged = FeatureSummary()
        for part in parts { merged.merge(part) }
        let whole = summary(all)
        #expect(merged.count == whole.count && merged.sketch == whole.sketch && merged.distinct == whole.distinct)
        #expect(abs(merged.mean - whole.mean) < 1e-9 && abs(merged.deviation! - whole.deviation!) < 1e-9)
        let sorted = all.sorted()
        for q in [0.01, 0.25, 0.5, 0.75, 0.99] {
            let exact = sorted[Int(q * Double(sorted.count - 1))], found = whole.sketch.quantile(q)!
            #expect(abs(found - exact) <= abs(exact) * 0.032 * Double(1 << whole.sketch.coarseness) + 1e-12, "q \(q): \(found) for \(exact)")
        }
    }

    @Test func whatSpansManyOctavesGrowsCoarserAndStaysBounded() {
        var random = SeededGenerator(seed: 4)
        let values = (0..<20_000).map { _ in exp(Double(random.int(-200_000...200_000)) / 1000) }
        let whole = summary(values)
        #expect(whole.sketch.keys.count <= ValueSketch.maxBuckets && whole.sketch.coarseness > 0)
        #expect(whole.sketch.total == 20_000)
        #expect(whole.bytes(isDrifted: false).count <= FeatureSummary.maxBytes)
    }

    @Test func bytesComeBackAsTheyWereAndDamagedOnesAreNone() throws {
        var random = SeededGenerator(seed: 5)
        for round in 0..<60 {
            var made = FeatureSummary()
            for _ in 0..<random.int(0...3000) {
                switch random.below(4) {
                case 0: made.add(.null)
                case 1 where round % 2 == 0: made.add(.hash(random.next() % 50))
                default: made.add(.number(Double(random.int(-50...5000)) / 8))
                }
            }
            var bytes = made.bytes(isDrifted: round % 3 == 0)
            #expect(bytes.count <= FeatureSummary.maxBytes)
            #expect(bytes.withUnsafeBytes { FeatureSummary($0) } == made)
            #expect(bytes.withUnsafeBytes { FeatureSummary.isDrifted($0) } == (round % 3 == 0))
            // Whatever is read of damaged bytes: no trap.
            bytes[random.below(bytes.count)] ^= UInt8(1 << random.below(8))
            if let read = bytes.withUnsafeBytes({ FeatureSummary($0) }) { _ = (read.deviation, read.sketch.quantile(0.5), read.distinct, read.topShare) }
            #expect(bytes.dropLast().withUnsafeBytes { FeatureSummary($0) } == nil)
        }
    }

    @Test func theBytesAreThoseOfThePage() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../docs/STORAGE.md")
        let text = try String(contentsOf: page.standardizedFileURL, encoding: .utf8)
        let block = try #require(text.components(separatedBy: "```vector-monitoring\n").dropFirst().first?.components(separatedBy: "```").first)
        let digits = block.split(separator: "\n").flatMap { $0.prefix { $0 != "#" }.filter { !$0.isWhitespace } }
        var summary = FeatureSummary()
        for observed in [Observed.null, .number(1), .number(2.5), .number(2.5)] { summary.add(observed) }
        #expect(String(digits) == summary.bytes(isDrifted: true).map { String(format: "%02x", $0) }.joined())
    }

    @Test func distinctValuesAreExactWhenFewAndCloseWhenMany() {
        for (count, tolerance) in [(1, 0.0), (32, 0), (1_000, 0.2), (100_000, 0.2)] {
            var summary = FeatureSummary()
            for value in 0..<count { for _ in 0..<2 { summary.add(.number(Double(value) * 0.25)) } }
            #expect(abs(summary.distinct! - Double(count)) <= Double(count) * tolerance, "\(summary.distinct!) for \(count)")
        }
    }

    @Test func theMostFrequentValueIsFoundAmongManyOthers() {
        var random = SeededGenerator(seed: 6)
        var a = FeatureSummary(), b = FeatureSummary()
        for _ in 0..<20_000 {
            let observed = random.chance(40) ? Observed.number(7) : .number(Double(random.below(10_000)))
            if random.chance(50) { a.add(observed) } else { b.add(observed) }
        }
        a.merge(b)
        #expect(a.frequent.top?.hash == (7.0).bitPattern)
        #expect(abs(a.topShare! - 0.4) < 0.04)
    }

    @Test func valuesAreObservedByTheirType() {
        #expect(Observed(.bool(true)) == .number(1))
        #expect(Observed(.decimal(units: -1250, scale: 2)) == .number(-12.5))
        #expect(Observed(.double(.nan)) == .null && Observed(.double(.infinity)) == .null)
        #expect(Observed(.list([.double(3), .double(4)])) == .number(5))
        #expect(Observed(.list([.string("a"), .string("b"), .string("c")])) == .number(3))
        #expect(Observed(.list([])) == .number(0))
        #expect(Observed(.map([.init(key: "a", value: .int(1))])) == .number(1))
        #expect(Observed(.string("a")) != Observed(.string("b")))
        #expect(Observed(FeatureValue(value: .int(0), status: .defaulted, newestEventTime: nil)) == .null)
        #expect(Observed(FeatureValue(value: .int(4), status: .stale, newestEventTime: nil)) == .number(4))
        #expect(Observed(FeatureValue(value: .null, status: .warming, newestEventTime: nil)) == .left)
    }
}
