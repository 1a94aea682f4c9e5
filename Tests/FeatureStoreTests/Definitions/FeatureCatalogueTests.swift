import FeatureStore
import Testing

/// What `describe` prints, as values.
@Suite struct FeatureCatalogueTests {
    private static func shop() throws -> FeatureCatalogue { FeatureCatalogue(try ExampleTests.load()) }
    private static func popularity() throws -> FeatureCatalogue {
        FeatureCatalogue(try Definitions.load(path: ExampleTests.path.replacing("/shop/", with: "/popularity/")))
    }

    @Test func hasEveryFeatureOnce() throws {
        let definitions = try ExampleTests.load()
        let names = FeatureCatalogue(definitions).features.map(\.name)
        #expect(Set(names) == Set(definitions.views.flatMap(\.features).map(\.name) + definitions.derived.map(\.name)))
        #expect(names.count == Set(names).count)
    }

    @Test func saysWhatAFeatureIs() throws {
        let spend = try #require(try Self.shop().feature("spend_30d", of: "customer"))
        #expect(spend.description == "Money spent")
        #expect(spend.type == .decimal(scale: 2))
        #expect(spend.defaultValue == .decimal(units: 0, scale: 2))
        #expect(spend.services.map { "\($0.service) \($0.version) \($0.isFallback)" } == ["homepage 1 false"])
        #expect(spend.derived == ["spend_trend"])
        guard case .view(let view) = spend.origin else { Issue.record("no view"); return }
        #expect(view.aggregation == "sum(amount)")
        #expect(view.inWords == "the exact sum of amount")
        #expect(view.window.name == "30d" && view.window.length == .days(30) && view.window.hop == .hours(6))
        #expect(view.window.bound == "≤ 0.9 % longer")
        #expect((view.bytes?.tile ?? 0) > 0)
    }

    @Test func saysWhatADerivedFeatureIsMadeOf() throws {
        let catalogue = try Self.shop()
        let trend = try #require(catalogue.feature("spend_trend", of: "customer"))
        guard case .derived(let expression, let inputs) = trend.origin else { Issue.record("not derived"); return }
        #expect(expression == "spend_30d / (spend_90d / 3)")
        #expect(inputs == ["spend_30d", "spend_90d"])
        #expect(catalogue.feature("days_since_purchase", of: "customer")?.derived == ["is_lapsing"])
    }

    @Test func keepsFeaturesOfDifferentEntitiesApart() throws {
        let catalogue = try Self.popularity()
        #expect(catalogue.features.filter { $0.name == "top_products_24h" }.map(\.entity) == ["category", "shop"])
        #expect(catalogue.feature("top_products_24h", of: "category")?.services.map(\.service) == ["category_page"])
        #expect(catalogue.feature("top_products_24h", of: "shop")?.services.map(\.service) == ["trending"])
    }

    @Test func saysWhoFallsBackOnAFeature() throws {
        let catalogue = try Self.popularity()
        let uses = catalogue.feature("category_price_24h", of: "category")?.services.map { "\($0.service) \($0.isFallback)" }
        // Two levels of `offers` are of this entity: it is one use.
        #expect(uses == ["offers true", "category_page false"])
        #expect(catalogue.feature("basket_value", of: "customer") == nil, "an input is no feature")
        let basket = try #require(catalogue.feature("basket_vs_usual", of: "customer"))
        guard case .derived(_, let inputs) = basket.origin else { Issue.record("not derived"); return }
        #expect(inputs == ["basket_value", "mean_price_30d"])
    }
}
