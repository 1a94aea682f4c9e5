import FeatureStore
import Foundation
import Testing

/// What the examples of docs/DEFINITIONS.md for kept events, retractions, attribution and calendar windows make.
@Suite struct EventViewDefinitions {
    private static let head = """
        version: 1
        name: shop
        entities: {customer: {}}
        streams:
          clicks:
            topic: clicks
            keys: {customer: customer_id}
            time: {path: event_time, format: epoch_ms}
            id: event_id
            fields: {product: string, page: string}

        """

    /// The page's fenced blocks that begin with `first`.
    private static func block(_ first: String, containing text: String) throws -> String {
        let path = ExampleTests.path.replacing("Examples/shop/millrace.yaml", with: "docs/DEFINITIONS.md")
        let blocks = try String(contentsOfFile: path, encoding: .utf8).components(separatedBy: "```yaml\n").dropFirst()
            .compactMap { $0.components(separatedBy: "```").first }
        let found = try #require(blocks.first { $0.hasPrefix(first) && $0.contains(text) })
        return String(found.dropFirst(first.count + 1))
    }

    private static func load() throws -> Definitions {
        let yaml = try head + block("streams:", containing: "retracts") + "views:\n" + block("views:", containing: "attributed_to")
            + block("views:", containing: "month_to_date")
            + """
              all_orders:
                entity: customer
                stream: orders
                retractions: ignore
                windows: [30d]
                features: {orders: {aggregation: count}}
              exact_clicks:
                entity: customer
                stream: clicks
                max_events: 50
                windows: [{length: 1h, exact: true}, 24h]
                features: {seen: {aggregation: last_n, field: page, n: 3}}

            """
        return try Definitions.load(yaml: yaml, file: "shop.yaml")
    }

    @Test func theExamplesOfThePageLoad() throws {
        let definitions = try Self.load()
        #expect(definitions.streams[2].retracts == RetractionDefinition(stream: "orders", field: "order", filter: "kind != \"partial\""))
        let views = Dictionary(uniqueKeysWithValues: definitions.views.map { ($0.name, $0) })
        let after = try #require(views["orders_after_clicks"])
        #expect(after.keep == .events(max: 1000))
        #expect(after.attribution == AttributionDefinition(stream: "clicks", match: "product", within: .days(7)))
        #expect(after.features.map(\.name).contains("conversion_7d"))
        let days = try #require(views["customer_days"])
        #expect(days.keep == .tiles)
        #expect(days.features.map(\.name) == ["visits_today", "visits_this_week", "visits_month_to_date", "visits_7d"])
        #expect(days.features[1].window == .calendar(CalendarWindow(.thisWeek, days: try .named("Europe/Berlin"))))
        #expect(try #require(views["all_orders"]).keep == .tiles)
        let exact = try #require(views["exact_clicks"])
        #expect(exact.keep == .events(max: 50))
        #expect(exact.features.map(\.window) == [.sliding(length: .hours(1), hop: 1), .sliding(length: .days(1), hop: .minutes(15))])
    }

    @Test func describeSaysWhatIsKept() throws {
        let definitions = try Self.load()
        let text = definitions.describe(bytes: Catalog.tileBytes(of: definitions))
        let after = try #require(text.split(separator: "\n").first { $0.hasPrefix("view orders_after_clicks") })
        // An order: time, id, presence, amount, product of 10 bytes; a click: time, id, presence, product.
        #expect(after.contains("keeps events instead of tiles, at most 1000, 37 bytes per event; retracted by refunds; attributed to clicks of the same product within 7d, of which at most 1000 are kept, 29 bytes each"))
        #expect(text.contains("view all_orders: customer over orders; 12 bytes per tile, 16 per row for sequences; retractions are ignored"))
        let today = try #require(text.split(separator: "\n").first { $0.contains("visits_today") })
        #expect(today.contains("today, Europe/Berlin") && today.contains("15m") && today.contains("exact"))
        let exact = try #require(text.split(separator: "\n").first { $0.contains("seen_1h") })
        #expect(exact.contains("exact") && !exact.contains("longer"))
    }
}
