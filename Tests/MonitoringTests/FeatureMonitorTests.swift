import FeatureStore
import Foundation
import JSONBytes
import Monitoring
import TestSupport
import Testing

@Suite struct FeatureMonitorTests {
    static let yaml = """
        version: 1
        name: small
        entities: {customer: {}}
        streams:
          clicks:
            topic: clicks
            keys: {customer: customer_id}
            time: {path: at, format: epoch_ms}
            fields: {price: {type: decimal, scale: 2}, page: string}
        views:
          clicks:
            entity: customer
            stream: clicks
            windows: [1h]
            features:
              price: {aggregation: last, field: price}
              page: {aggregation: last, field: page}
        services:
          homepage: {version: 1, entity: customer, features: [page_1h]}
        """
    static let start = 500_000  // hours since the epoch: 2027

    struct World {
        let directory = TemporaryDirectory()
        let store: Store
        let watched: Watched
        let hours: HourStore
        var settings = MonitoringSettings()

        init(services: [String] = []) throws {
            var definitions = try Definitions.load(yaml: FeatureMonitorTests.yaml, file: "small.yaml")
            definitions.store.directory = directory.path
            store = Store(definitions)
            settings.warmUp = 0
            settings.services = services
            watched = Watched(store, settings)
            hours = try HourStore(storeDirectory: directory.path)
        }

        func monitor() throws -> FeatureMonitor { try FeatureMonitor(watched, settings, store: hours) }
    }

    /// 300 customers' values within one hour.
    private func observe(
        _ monitor: FeatureMonitor, _ hour: Int, _ random: inout SeededGenerator, price: (inout SeededGenerator) -> Value = { .decimal(units: Int128($0.int(100...9900)), scale: 2) }
    ) throws {
        for customer in 0..<300 {
            let values = [price(&random), Value.string(["home", "cart", "product"][customer % 3])]
            try monitor.observe(
                0, hash: UInt64(customer), values: values.map { FeatureValue(value: $0, status: $0.isNull ? .missing : .present, newestEventTime: nil) },
                time: Int64(hour) * .hours(1) + Int64(customer) * .seconds(10), now: Int64(hour + 1) * .hours(1))
        }
        try monitor.flush()
        try monitor.judge(now: Int64(hour) * .hours(1) + .minutes(55))
    }

    @Test func servicesNarrowWhatIsWatched() throws {
        #expect(try World().watched.features.map(\.feature) == ["price_1h", "page_1h"])
        #expect(try World(services: ["homepage"]).watched.features.map(\.feature) == ["page_1h"])
    }

    @Test func anAlertBeginsOnceEndsOnceAndOutlivesARestart() throws {
        let world = try World()
        var random = SeededGenerator(seed: 1)
        var notices: [AlertNotice] = []
        var monitor = try world.monitor()
        monitor.onAlert = { notices.append($0) }
        for hour in 0..<30 { try observe(monitor, Self.start + hour, &random) }
        #expect(notices.isEmpty)
        for hour in 30..<32 { try observe(monitor, Self.start + hour, &random) { _ in .decimal(units: 500, scale: 2) } }
        let begun = notices.map { "\($0.alert.feature) \($0.alert.measure.name) \($0.alert.state)" }
        #expect(begun.contains("price_1h stuck firing") && Set(begun).count == begun.count, "\(begun)")
        #expect(notices.allSatisfy { $0.alert.since == Self.start + 30 && $0.alert.feature == "price_1h" })

        monitor = try world.monitor()
        notices = []
        monitor.onAlert = { notices.append($0) }
        try observe(monitor, Self.start + 32, &random) { _ in .decimal(units: 500, scale: 2) }
        #expect(notices.isEmpty)
        // Two hours later the one before is closed, and all is as it was.
        for hour in 33..<35 { try observe(monitor, Self.start + hour, &random) }
        #expect(Set(notices.map { "\($0.alert.measure.name) \($0.alert.state)" }) == Set(begun.map { $0.split(separator: " ")[1] + " resolved" }))
        // What drifted is no part of what is usual.
        var drifted: [Int] = []
        try world.hours.forEach("customer/price_1h", in: 0...Int(UInt32.max)) { if $0.isDrifted { drifted.append($0.hour - Self.start) } }
        #expect(drifted == [30, 31, 32])
        world.hours.close()
    }

    @Test func summariesSurviveAndObservationsOfAnOldHourAreAddedToIt() throws {
        let world = try World()
        var random = SeededGenerator(seed: 2)
        var monitor = try world.monitor()
        for hour in 0..<12 { try observe(monitor, Self.start + hour, &random) }
        monitor = try world.monitor()
        try observe(monitor, Self.start + 1, &random)
        for hour in 0..<12 {
            let recorded = try #require(try world.hours.summary("customer/price_1h", Self.start + hour))
            #expect(recorded.summary.count == (hour == 1 ? 600 : 300))
        }
        world.hours.close()
    }

    @Test func hoursBeyondTheRetentionGoUnlessTheBaselineHasThem() throws {
        var world = try World()
        world.settings.retention = .days(1)
        var random = SeededGenerator(seed: 3)
        let monitor = try world.monitor()
        for hour in 0..<8 { try observe(monitor, Self.start + hour, &random) }
        try world.hours.change(.window(from: Self.start + 2, to: Self.start + 4), watched: world.watched)
        try observe(monitor, Self.start + 60, &random)
        var left: [Int] = []
        try world.hours.forEach("customer/price_1h", in: 0...Int(UInt32.max)) { left.append($0.hour - Self.start) }
        #expect(left == [2, 3, 60])
        world.hours.close()
    }

    @Test func aTrainingExportIsSummarisedAlikeFromCSVAndFromJSON() throws {
        let world = try World()
        let files = TemporaryDirectory()
        var csv = "customer,time,price_1h,page_1h,else\r\n", json = ""
        var expected = FeatureSummary(), pages = FeatureSummary()
        var random = SeededGenerator(seed: 4)
        for row in 0..<500 {
            let price = Double(random.int(100...9900)) / 100, page = ["a \"quoted\", page", "line\nbreak", "", "home"][row % 4]
            let isNull = row % 10 == 0
            csv += "c\(row),2026-01-01T00:00:00Z,\(isNull ? "" : "\(price)"),\"\(page.replacingOccurrences(of: "\"", with: "\"\""))\",7\n"
            var line = JSONWriter()
            line.beginObject()
            line.member("customer", "c\(row)")
            line.key("price_1h")
            if isNull { line.null() } else { line.double(price) }
            line.member("page_1h", page)
            line.endObject()
            json += line.text + "\n"
            expected.add(isNull ? .null : .number(price))
            pages.add(.hash(Observed.hash(page)))
        }
        for (name, text) in [("rows.csv", csv), ("rows.json", json)] {
            try text.write(toFile: files.file(name), atomically: true, encoding: .utf8)
            let export = try ExportSummary(path: files.file(name), watched: world.watched, entity: nil)
            #expect(export.rows == 500 && export.summaries == ["customer/price_1h": expected, "customer/page_1h": pages], "\(name)")
        }
        for (name, text) in [("none.csv", "a,b\n1,2\n"), ("empty.csv", ""), ("short.csv", "price_1h,b\n1\n"), ("bad.json", "{\"price_1h\": 1}\n{\"price_1h\"\n")] {
            try text.write(toFile: files.file(name), atomically: true, encoding: .utf8)
            #expect(throws: MonitoringError.self, "\(name)") { try ExportSummary(path: files.file(name), watched: world.watched, entity: nil) }
        }
        world.hours.close()
    }
}
