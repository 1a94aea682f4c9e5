import FeatureStore
import Foundation
import TestSupport
import Testing

/// `pushed:` of the definitions file.
@Suite struct PushedDefinitionTests {
    private static let head = """
        version: 1
        name: shop
        entities: {customer: {}, product: {}}

        """
    private static let good = head + """
        pushed:
          churn_model:
            entity: customer
            topic: scores
            ttl: 7d
            features:
              churn_score: double
              segment: {type: string, default: unknown, ttl: 1d, description: Who they are}
              taste: {type: vector, dimension: 3}
              exact_taste: {type: vector, dimension: 3, scale: 2}
              limit: {type: decimal, scale: 2}
              blob: {type: string, max_size: 16KiB}
          product_model:
            entity: product
            key: sku
            time: {path: at, format: rfc3339}
            history: 30d
            features: {quality: int64}
        derived:
          customer: {calm: {expression: "churn_score < 0.5"}}
        services:
          product_model: {version: 3, entity: product, features: [quality]}

        """

    @Test func `each entry is a stream, a view of last values and a service`() throws {
        let definitions = try Definitions.load(yaml: Self.good, file: "shop.yaml")
        #expect(definitions.pushed.map(\.name) == ["churn_model", "product_model"])
        #expect(definitions.pushedStream("churn_model") == 0 && definitions.pushedStream("product_model") == 1)
        #expect(definitions.pushedStream("calm") == nil)
        let stream = definitions.streams[0], view = definitions.views[0]
        #expect(stream.topic == "scores" && definitions.streams[1].topic == "product_model")
        #expect(stream.keys == [EntityKey(entity: "customer", path: FieldPath("customer"))])
        #expect(stream.time == EventTime(path: FieldPath("event_time"), format: .epochMicroseconds))
        #expect(stream.fields.map(\.type) == [
            .double, .string, .doubles(dimension: 3), .vector(dimension: 3, scale: 2), .decimal(scale: 2), .string,
        ])
        #expect(stream.fields.map(\.maxBytes) == [1024, 1024, 1024, 1024, 1024, 16 << 10])
        #expect(view.isPushed && view.stream == "churn_model")
        #expect(view.features.allSatisfy { $0.window == .lifetime && $0.aggregation == .last(field: $0.name) })
        #expect(view.features.map(\.ttl) == [.days(7), .days(1), .days(7), .days(7), .days(7), .days(7)])
        #expect(view.features[1].defaultValue == .string("unknown"))
        #expect(definitions.streams[1].keys[0].path == FieldPath("sku") && definitions.views[1].history == .days(30))
        #expect(definitions.services.map(\.name) == ["product_model", "churn_model"])
        #expect(definitions.services[0].version == 3)
        #expect(definitions.services[1].features == view.features.map(\.name))
        let plan = try Store(definitions).plan(features: ["churn_score", "taste", "calm"])
        #expect(plan.types == [.double, .list(.double), .bool])
        #expect(definitions.describe().contains("churn_score"))
    }

    @Test(arguments: [
        ("entity: customer", "entity: custmer", "did you mean `customer`"),
        ("entities: {customer: {},", "entities: {customer: {singleton: true},", "is a singleton"),
        ("churn_score: double", "churn_score: float64", "write `double`"),
        ("churn_score: double", "churn_score: {type: double, scale: 2}", "no scale"),
        ("churn_score: double", "churn_score: bytes", "base64"),
        ("churn_score: double", "churn_score: list", "vector"),
        ("churn_score: double", "customer: double", "key or the time"),
        ("churn_score: double", "event_time: double", "key or the time"),
        ("dimension: 3}", "scale: 2}", "no `dimension`"),
        ("max_size: 16KiB", "max_size: 1MiB", "outside"),
        ("{type: decimal, scale: 2}", "{type: decimal, max_size: 1KiB}", "only strings"),
        ("format: rfc3339", "format: kafka", "name a field"),
        ("path: at", "path: meta.at", "inside an object"),
        ("key: sku", "key: product.sku", "inside an object"),
        ("product_model:\n    entity: product\n    key", "product_model:\n    entity: product\n    topic: scores\n    key", "same topic"),
        ("default: unknown", "default: 5, tttl: 1d", "did you mean `ttl`"),
        ("{quality: int64}", "{}", "no features"),
        ("churn_score < 0.5", "churn_scor < 0.5", "did you mean `churn_score`"),
    ])
    func `mistakes are named with their remedy`(text: String, wrong: String, says: String) throws {
        let yaml = try #require(Self.good.contains(text) ? Self.good.replacing(text, with: wrong, maxReplacements: 1) : nil)
        let error = #expect(throws: DefinitionFaults.self) { try Definitions.load(yaml: yaml, file: "shop.yaml") }
        let faults = try #require(error).faults
        #expect(faults.contains { "\($0.message) \($0.remedy)".contains(says) && $0.line > 0 }, "\(faults)")
    }

    @Test func `a name that is taken is refused`() throws {
        let yaml = Self.good + """
            streams:
              churn_model: {topic: clicks, keys: {customer: c}, time: {format: kafka}}
            views:
              v: {entity: customer, stream: churn_model, windows: [1h], features: {n: {aggregation: count}}}

            """
        let error = #expect(throws: DefinitionFaults.self) { try Definitions.load(yaml: yaml, file: "shop.yaml") }
        #expect(try #require(error).faults.contains { $0.message.contains("is a stream or a view already") })
    }

    @Test func `positions are one word`() {
        let offsets = [SourceOffset(topic: "a.b-c_d", partition: 0, offset: 17), SourceOffset(topic: "x", partition: 12, offset: 0)]
        #expect(SourceOffset.token(offsets) == "a.b-c_d/0@17,x/12@0")
        #expect(SourceOffset.parse(token: SourceOffset.token(offsets)) == offsets)
        for wrong in ["", "a", "a/1", "a@1", "a/x@1", "a/1@x", "/1@1", "a/-1@1", "a/1@-1", "a/1@1,", "a@1/1", "a/99999999999@1"] {
            #expect(SourceOffset.parse(token: wrong) == nil, "\(wrong)")
        }
        #expect(SourceOffset.parse(token: "a/1@1,a/2@2", limit: 1) == nil)
    }
}
