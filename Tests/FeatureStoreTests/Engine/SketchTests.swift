import FeatureStore
import Foundation
import TestSupport
import Testing

/// How near the estimates come to the truth, on larger sets than the oracle's streams have. What was seen is printed.
@Suite struct Sketches {
    private static let base = floorTime(1_700_000_000_000_000, .days(1))

    private static func definitions(_ aggregations: [Aggregation]) -> Definitions {
        Definitions(
            name: "sketches", entities: [.init(name: "customer")],
            streams: [.init(
                name: "s", topic: "s", keys: [.init(entity: "customer", path: .init("customer"))],
                time: .init(path: .init("time"), format: .epochMicroseconds),
                fields: [.init(name: "n", type: .int64), .init(name: "d", type: .decimal(scale: 2))])],
            views: [.init(
                name: "v", entity: "customer", stream: "s",
                features: aggregations.enumerated().map { i, aggregation in
                    .init(name: "f\(i)", aggregation: aggregation, window: .sliding(length: .hours(1), hop: .minutes(1)))
                })])
    }

    private static func values(_ aggregations: [Aggregation], _ numbers: [Int64], ages: [Int64]? = nil) throws -> [Double] {
        let events = numbers.enumerated().map { i, number in
            OracleEvent(
                stream: 0, time: base - (ages?[i] ?? Int64(i % 40) * .minutes(1)), id: UInt64(i), fields: [.integer(number), .integer(number)])
        }
        let rows = RowBuilder(definitions(aggregations))
        let row = try rows.row(of: events, batches: [events.count])
        return try rows.values(of: [row], at: base).map { value in
            switch value.value {
            case .int(let n): Double(n)
            case .double(let x): x
            default: .nan
            }
        }
    }

    @Test(arguments: [10, 100, 1000])
    func `percentiles are within the accuracy`(accuracy: Int) throws {
        let percents = [0, 1000, 25_000, 50_000, 75_000, 90_000, 95_000, 99_000, 99_900, 100_000]
        let aggregations = percents.map { Aggregation.percentile(field: "d", percent: $0, accuracy: accuracy, maxBuckets: 4096) }
        var largest = 0.0
        for seed in UInt64(0)..<12 {
            var random = SeededGenerator(seed: seed)
            let numbers = (0..<300).map { _ -> Int64 in
                switch seed % 4 {
                case 0: random.int64(0...100)
                case 1: random.int64(-1_000_000...1_000_000)
                case 2: Int64(exp(Double(random.int64(0...35_000_000)) / 1_000_000))
                default: random.one(in: 3) ? random.pick([.max, .min + 1, 0]) : Int64(exp(Double(random.int64(0...9_000_000)) / 1_000_000))
                }
            }
            let sorted = numbers.sorted()
            for (percent, estimate) in zip(percents, try Self.values(aggregations, numbers)) {
                let exact = Double(sorted[percent * (numbers.count - 1) / 100_000]) / 100
                let error = exact == estimate ? 0 : abs(estimate - exact) / abs(exact)
                #expect(error <= Double(accuracy) / 10_000 * (1 + 1e-12), "seed \(seed), \(percent): \(estimate) of \(exact)")
                largest = max(largest, error)
            }
        }
        print("percentile, accuracy \(Double(accuracy) / 100) %: largest error \(String(format: "%.4f", largest * 100)) %")
    }

    @Test(arguments: [300, 1000, 3000])
    func `distinct counts have the standard error`(count: Int) throws {
        var squares = 0.0
        let sets = 20
        for seed in UInt64(0)..<UInt64(sets) {
            var random = SeededGenerator(seed: (seed + 1) &* 1_000_003)  // Near seeds share most of their numbers.
            let numbers = (0..<count).map { _ in random.int64(0 ... .max) }
            let error = try Self.values([.distinctCount(field: "n")], numbers)[0] / Double(count) - 1
            squares += error * error
        }
        let deviation = (squares / Double(sets)).squareRoot()
        // The deviation of 20 errors is itself off by a sixth.
        #expect(deviation < 1.5 * 1.04 / (2048.0).squareRoot())
        print("distinct_count, \(count) values: standard error \(String(format: "%.2f", deviation * 100)) %")
    }

    @Test func `decayed sums are within 2^-32`() throws {
        var largest = 0.0
        for seed in UInt64(0)..<30 {
            var random = SeededGenerator(seed: seed)
            let halfLife = random.pick([.seconds(1), .seconds(7), .minutes(10), .days(1)] as [Int64])
            let numbers = (0..<100).map { _ in random.int64(0...1_000_000_000) }
            let ages = numbers.map { _ in random.int64(0...min(.minutes(50), halfLife * 200)) }
            let value = try Self.values([.decayedSum(field: "n", halfLife: halfLife)], numbers, ages: ages)[0]
            var exact: Double = 0
            for (number, age) in zip(numbers, ages) {
                let weight: Double = pow(2, -Double(age) / Double(halfLife))
                exact += Double(number) * weight
            }
            largest = max(largest, abs(value - exact) / exact)
        }
        #expect(largest < 0x1p-32)
        print("decayed_sum: largest relative error 2^\(String(format: "%.1f", log2(largest)))")
    }

    /// From the definition: population, so one value has none.
    @Test func `standard deviations of known sets`() throws {
        func deviation(_ numbers: [Int64]) throws -> Double { try Self.values([.deviation(field: "n")], numbers)[0] }
        #expect(try deviation([5]) == 0)
        #expect(try deviation([2, 4, 4, 4, 5, 5, 7, 9]) == 2)
        #expect(try deviation([1, 2]) == 0.5)
        #expect(try deviation([.max, -.max]) == 0x1p63)
        #expect(try deviation([.max, .max - 1]) == 0.5)
        #expect(try deviation([0, 0, 1]) == 0.47140452079103168)  // √2/3
    }
}
