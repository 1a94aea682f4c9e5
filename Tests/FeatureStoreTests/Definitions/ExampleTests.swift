import FeatureStore
import Foundation
import Testing

/// The shipped example, as a user meets it.
@Suite struct ExampleTests {
    static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Examples/shop/millrace.yaml").path

    static func load() throws -> Definitions {
        do { return try Definitions.load(path: path) } catch {
            Issue.record("\(error)")
            throw error
        }
    }

    @Test func loads() throws {
        let shop = try Self.load()
        #expect(shop.name == "shop")
        #expect(shop.entities.map(\.name) == ["customer"])
        #expect(shop.streams.map(\.name) == ["clicks", "purchases"])
        let clicks = shop.streams[0]
        #expect(clicks.keys == [EntityKey(entity: "customer", path: FieldPath("customer_id"))])
        #expect(clicks.time == EventTime(path: FieldPath("event_time"), format: .epochMilliseconds))
        #expect(clicks.idPath == FieldPath("event_id"))
        #expect(clicks.fields.map(\.name) == ["page", "product", "category", "price", "session", "device"])
        #expect(clicks.fields[3].type == .decimal(scale: 2))
        #expect(shop.streams[1].allowedLateness == .days(7))
        #expect(shop.views.count == 8)
        let names = shop.views.flatMap(\.features).map(\.name)
        #expect(names.count == 41)
        #expect(names.prefix(8) == ["clicks_5m", "clicks_1h", "clicks_24h", "clicks_7d", "clicks_30d", "price_seen_24h", "price_seen_30d", "max_price_seen_30d"])
        #expect(shop.views[0].features[1].window == .sliding(length: .hours(1), hop: .minutes(1)))
        #expect(shop.views[0].features[1].defaultValue == .int(0))
        #expect(shop.services.map { "\($0.name) \($0.version) \($0.features.count)" } == ["homepage 1 20", "search_ranking 1 10", "churn 1 14"])
        #expect(shop.services[0].maxStaleness == .seconds(30))
        #expect(shop.store.directory == String(Self.path.dropLast("/millrace.yaml".count)) + "/data")
    }

    @Test func ordersDerivedFeaturesByWhatTheyName() throws {
        let derived = try Self.load().derived.map(\.name)
        #expect(derived.count == 10)
        let days = try #require(derived.firstIndex(of: "days_since_purchase")), lapsing = try #require(derived.firstIndex(of: "is_lapsing"))
        #expect(days < lapsing)
    }

    @Test func describesEveryFeature() throws {
        let shop = try Self.load()
        let text = shop.describe { view in ViewBytes(tile: 12, sequence: view.name == "customer_recent" ? 200 : 0) }
        for feature in shop.views.flatMap(\.features) { #expect(text.contains("  \(feature.name) ")) }
        for feature in shop.derived { #expect(text.contains("\n\(feature.name) ")) }
        #expect(text.contains("shop: 2 streams, 8 views, 51 features, 3 services"))
        #expect(text.contains("≤ 1.7 % longer"))
        #expect(text.contains("row of a customer with 40 non-empty tiles in each of 8 views (lifetime: 1): about 3584 bytes"))
        #expect(!shop.describe().contains("bytes"))
        #expect(text.contains("  clicks_24h          int64       count           24h  15m  ≤ 1.1 % longer  0\n"))
    }

    @Test func popularityLoadsAndShowsItsColumns() throws {
        let popularity = try Definitions.load(path: Self.path.replacing("/shop/", with: "/popularity/"))
        #expect(popularity.entities.map(\.isSingleton) == [false, false, false, true])
        #expect(popularity.inputs.map(\.name) == ["basket_value", "page_category", "device"])
        #expect(popularity.services[0].fallback.map(\.name) == ["page", "category", "everyone"] && popularity.services[0].deadline == 200_000)
        let text = popularity.describe()
        #expect(text.contains("vector of ranking: 17 columns, 64 sparse columns, schema "))
        #expect(text.contains("  falls back to page: category by page_category\n"))
        #expect(text.contains("  answers after 200 ms with what it has\n"))
    }

    @Test func scoresLoadsAndShowsItsColumns() throws {
        let scores = try Definitions.load(path: Self.path.replacing("/shop/", with: "/scores/"))
        #expect(scores.pushed.map(\.name) == ["churn_model"] && scores.services.map(\.name) == ["retention", "churn_model"])
        #expect(scores.services[0].log == ServedLogDefinition(topic: "served_vectors", perMillion: 10_000))
        #expect(scores.describe().contains("vector of retention: 17 columns, schema "))
    }

    @Test func aMissingFileIsAFault() {
        let error = #expect(throws: DefinitionFaults.self) { try Definitions.load(path: "/nowhere/millrace.yaml") }
        #expect(error?.description.hasPrefix("/nowhere/millrace.yaml: error: the definitions file cannot be read\n  ") == true)
    }
}
