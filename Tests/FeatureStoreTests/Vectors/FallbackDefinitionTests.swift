import FeatureStore
import TestSupport
import Testing

/// What may be wrong about levels, deadlines, singletons and caches.
@Suite struct FallbackDefinitionTests {
    static let good = """
        version: 1
        name: shop
        entities:
          customer: {}
          category: {cache: {max_age: 500ms, max_entries: 100}}
          shop: {singleton: true}
        streams:
          clicks:
            topic: clicks
            keys: {customer: customer, category: category}
            time: {format: kafka}
            fields: {product: string, price: {type: decimal, scale: 2}}
        views:
          of_customer:
            entity: customer
            stream: clicks
            windows: [lifetime]
            features: {n: {aggregation: count}, price: {aggregation: max, field: price}, last: {aggregation: last, field: product}}
          of_category:
            entity: category
            stream: clicks
            windows: [lifetime]
            features: {price: {aggregation: max, field: price}, n: {aggregation: count}, mean: {aggregation: mean, field: price}}
          of_shop:
            entity: shop
            stream: clicks
            windows: [lifetime]
            features: {price: {aggregation: max, field: price}}
        services:
          s:
            entity: customer
            deadline: 20ms
            fallback: [{entity: category, key: last_lifetime}, {level: everyone, entity: shop}]
            features: [{name: price_lifetime, fallback: {category: price_lifetime, everyone: price_lifetime}}, n_lifetime]

        """

    @Test func theBaseIsGood() throws {
        let definitions = try Definitions.load(yaml: Self.good, file: "shop.yaml")
        #expect(definitions.entities.map(\.isSingleton) == [false, false, true])
        #expect(definitions.entities[1].cache == CacheSettings(maxAge: 500_000, maxEntries: 100))
        #expect(definitions.services[0].deadline == 20_000)
        #expect(definitions.services[0].fallback == [
            FallbackLevel(name: "category", entity: "category", key: "last_lifetime"), FallbackLevel(name: "everyone", entity: "shop")])
        #expect(definitions.services[0].served["price_lifetime"]?.fallback == ["category": "price_lifetime", "everyone": "price_lifetime"])
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        var old: String, new: String, message: String, remedy: String
        init(_ old: String, _ new: String, _ message: String, _ remedy: String) { (self.old, self.new, self.message, self.remedy) = (old, new, message, remedy) }
        var testDescription: String { "\(new): \(message)" }
    }

    @Test(arguments: [
        Mistake("deadline: 20ms", "deadline: §20", "must be a duration", "20ms"),
        Mistake("deadline: 20ms", "deadline: §2h", "outside 1ms to 1m", "from 1ms"),
        Mistake("fallback: [{entity: category,", "fallback: [{entity: §categry,", "no entity `categry`", "did you mean `category`?"),
        Mistake("key: last_lifetime}", "key: §lost_lifetime}", "no feature `lost_lifetime`", "did you mean `last_lifetime`?"),
        Mistake("key: last_lifetime}", "key: §price_lifetime}", "is a decimal(2), and no key", "string or an int64"),
        Mistake("{entity: category, key: last_lifetime}", "§{entity: category}", "has no `key`", "the key of a category"),
        Mistake("{level: everyone, entity: shop}", "{level: everyone, entity: shop, key: §last_lifetime}", "needs no key", "remove `key`"),
        Mistake("{level: everyone, entity: shop}", "{level: §default, entity: shop}", "not the name of a level", "another name"),
        Mistake("{category: price_lifetime, everyone", "{category: §prize_lifetime, everyone", "no feature `prize_lifetime` of category", "did you mean `price_lifetime`?"),
        Mistake("{category: price_lifetime, everyone", "{category: §mean_lifetime, everyone", "is a double, and `price_lifetime` is a decimal(2)", "same type"),
        Mistake("{category: price_lifetime, everyone: price_lifetime}", "{category: price_lifetime, everyone: price_lifetime, §all: price_lifetime}", "no level `all`", "known: category, everyone"),
        Mistake("category: price_lifetime, everyone: price_lifetime", "category: price_lifetime", "no feature of service `s` falls back to `everyone`", "remove the level"),
        Mistake("singleton: true", "singleton: §yes", "must be true or false", "true"),
        Mistake("keys: {customer: customer,", "keys: {customer: customer, §shop: x,", "`shop` is a singleton", "remove it"),
        Mistake("max_age: 500ms", "max_age: §0s", "outside", "from 1ms"),
        Mistake("{max_age: 500ms, max_entries: 100}", "§{max_entries: 100}", "has no `max_age`", "max_age: 1s"),
        Mistake("max_entries: 100", "max_entries: §0", "max_entries is 0", "whole number"),
        Mistake("entity: shop\n    stream: clicks\n", "entity: shop\n    stream: clicks\n    keep: §events\n", "would keep events of all of `shop`", "keep"),
    ])
    func reports(_ mistake: Mistake) throws {
        #expect(Self.good.contains(mistake.old))
        let marked = Self.good.replacing(mistake.old, with: mistake.new, maxReplacements: 1)
        let error = #expect(throws: DefinitionFaults.self) { try Definitions.load(yaml: marked.replacing("§", with: ""), file: "shop.yaml") }
        let faults = error?.faults ?? []
        let shown = faults.map(\.description).joined(separator: "\n")
        #expect(faults.count == 1 && faults[0].message.contains(mistake.message) && faults[0].remedy.contains(mistake.remedy), "\(shown)")
        if let mark = marked.range(of: "§"), let fault = faults.first {
            let before = marked[..<mark.lowerBound]
            #expect(fault.line == before.filter { $0 == "\n" }.count + 1 && fault.column == before.reversed().prefix { $0 != "\n" }.count + 1, "\(shown)")
        }
    }
}
