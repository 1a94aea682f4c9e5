import FeatureStore
import Foundation
import Monitoring
import Testing

/// The daily and weekly rhythm is no drift; a fault of the prices is one, in its hour.
@Suite struct RhythmTests {
    /// Enough for every kind of comparison: all hours, the hour of the day, the hour of the week.
    private static let weeks = 4

    /// MILLRACE_RHYTHM_SEEDS names others, such as `7,8,9`; each takes minutes.
    private static let seeds: [UInt64] = {
        let named = ProcessInfo.processInfo.environment["MILLRACE_RHYTHM_SEEDS"] ?? "1"
        return named.split(separator: ",").compactMap { UInt64($0) }
    }()

    @Test(arguments: seeds)
    func theUsualRhythmOfWeeksAloneAlertsNobody(seed: UInt64) throws {
        let shop = try SimulatedShop(seed: seed)
        try shop.run(toHour: 168 * Self.weeks)
        #expect(shop.notices.isEmpty, "seed \(seed):\n\(shop.story)")
        // It was judged, by each kind of comparison.
        var kinds: [String: Int] = [:]
        let report = try MonitoringReport(shop.watched, shop.settings, shop.hours)
        for index in shop.watched.features.indices {
            for hour in try report.series(index, hours: 168 * Self.weeks) {
                if let judgement = hour.judgement { kinds[judgement.kind.name, default: 0] += 1 }
            }
        }
        #expect(kinds["overall", default: 0] > 200 && kinds["hour_of_day", default: 0] > 1000 && kinds["hour_of_week", default: 0] > 1000, "\(kinds)")
    }

    /// In the fourth week, in the evening or in the morning.
    @Test(arguments: seeds.prefix(2))
    func faultsAreFlaggedInTheirHour(seed: UInt64) throws {
        let shop = try SimulatedShop(seed: seed)
        let start = 168 * 3, hourOfDay = seed % 2 == 0 ? 10 : 20
        let faults: [(SimulatedShop.Fault.Kind, Set<String>)] = [
            (.scale(10), ["last_price_24h psi", "price_seen_5m psi", "shop_price_1h mean_shift"]),
            (.nulls, ["price_seen_5m null_rate"]),
            (.stuck(1999), ["last_price_24h stuck", "price_seen_5m stuck"]),
        ]
        for (day, (kind, expected)) in faults.enumerated() {
            let hour = start + 24 * day * 2 + hourOfDay
            shop.fault = .init(kind: kind, hours: hour..<hour + 1)
            try shop.run(toHour: hour)
            if day == 0 { #expect(shop.notices.isEmpty, "seed \(seed):\n\(shop.story)") }
            // What is judged when the clock strikes is judged of the hour at hand: it is not closed yet.
            try shop.run(toHour: hour + 1)
            #expect(shop.fired(in: hour..<hour + 1).isSuperset(of: expected), "seed \(seed), \(kind) in hour \(hour):\n\(shop.story)")
        }
        // Days after the last, all is as it was.
        try shop.run(toHour: start + 24 * 7)
        #expect(shop.monitor.alerts.isEmpty, "\(shop.monitor.alerts)\n\(shop.story)")
    }
}
