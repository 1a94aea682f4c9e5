import FeatureStore
import Testing

@Suite struct ClassificationTests {
    private static let yaml = """
        version: 1
        name: shop
        entities: {customer: {}}
        streams:
          clicks:
            topic: clicks
            keys: {customer: customer_id}
            time: {path: time, format: epoch_ms}
            fields: {price: {type: decimal, scale: 2}}
            tags: [pii, behaviour]
            owner: web
            purpose: clicks of the site
          stock: {topic: stock, keys: {customer: c}, time: {path: time, format: epoch_ms}, fields: {n: int64}}
        views:
          seen: {entity: customer, stream: clicks, windows: [1h], owner: ranking, features: {clicks: {aggregation: count, tags: [free]}}}
          plain: {entity: customer, stream: stock, windows: [1h], features: {n: {aggregation: count}}}
        pushed:
          scores: {entity: customer, tags: [model], features: {score: {type: double, owner: science}}}
        derived:
          customer:
            double: {expression: "twice * 2"}
            twice: {expression: "clicks_1h * 2", owner: me}
            half: {expression: "n_1h / 2"}
        services: {all: {entity: customer, features: [clicks_1h]}, none: {entity: customer, features: [half]}}
        """

    @Test func `features inherit of views, streams and what they are computed from`() throws {
        let definitions = try Definitions.load(yaml: Self.yaml, file: "x.yaml")
        let all = FeatureClassifications(definitions)
        #expect(all["customer", "clicks_1h"].tags == ["behaviour", "free", "pii"])
        #expect(all["customer", "clicks_1h"].owner == "ranking" && all["customer", "clicks_1h"].purpose == "clicks of the site")
        // One hop further, in whichever order they stand.
        #expect(all["customer", "double"].tags == ["behaviour", "free", "pii"] && all["customer", "double"].owner == "")
        #expect(all["customer", "twice"].owner == "me")
        #expect(all["customer", "half"].tags == [] && all["customer", "nothing"].tags == [])
        #expect(all["customer", "score"].tags == ["model"] && all["customer", "score"].owner == "science")
        #expect(all.has(Classification.personal, service: definitions.services[0]) && !all.has(Classification.personal, service: definitions.services[1]))
        let text = definitions.describe()
        #expect(text.contains("CLASSIFIED") && text.contains("behaviour, free, pii"))
        #expect(!text.split(separator: "\n").contains { $0.hasPrefix("half ") && $0.contains("pii") })
    }

    @Test func `misspelt keys and tags are errors, and a change needs no rebuild`() throws {
        for (from, to, expected) in [
            ("tags: [pii, behaviour]", "tag: [pii]", "did you mean `tags`?"), ("tags: [pii, behaviour]", "tags: [PII]", "`PII` is not a valid tag"),
            ("tags: [pii, behaviour]", "tags: pii", "tags must be a list"), ("tags: [pii, behaviour]", "tags: [pii, pii]", "given twice"),
        ] {
            do {
                _ = try Definitions.load(yaml: Self.yaml.replacing(from, with: to), file: "x.yaml")
                Issue.record("\(to) was taken")
            } catch { #expect(error.faults.contains { "\($0)".contains(expected) }, "\(error.faults.map { "\($0)" })") }
        }
        let one = try Definitions.load(yaml: Self.yaml, file: "x.yaml")
        let two = try Definitions.load(yaml: Self.yaml.replacing("[pii, behaviour]", with: "[pii]"), file: "x.yaml")
        let a = Catalog(one), b = Catalog(two)
        for (x, y) in zip(a.entities[0].views, b.entities[0].views) { #expect(x.fingerprint(in: one) == y.fingerprint(in: two)) }
    }
}
