import FeatureStore

/// One stream and features of every type that a vector may have; services come in from the tests.
enum VectorFixture {
    static let yaml = """
        version: 1
        name: shop
        entities: {customer: {}}
        streams:
          clicks:
            topic: clicks
            keys: {customer: customer}
            time: {format: kafka}
            fields:
              category: string
              product: int64
              price: {type: decimal, scale: 2}
              taste: {type: vector, dimension: 3, scale: 1}
        views:
          clicks:
            entity: customer
            stream: clicks
            windows: [lifetime]
            features:
              n: {aggregation: count, default: 0}
              spend: {aggregation: sum, field: price}
              mean: {aggregation: mean, field: price}
              category: {aggregation: last, field: category}
              product: {aggregation: last, field: product}
              categories: {aggregation: last_n, field: category, n: 5}
              taste: {aggregation: mean, field: taste}
              by_category: {aggregation: count_by, by: category}
              spend_by: {aggregation: sum_by, field: price, by: category}
              top: {aggregation: top_k, field: category, k: 3}
        inputs:
          basket: {type: decimal, scale: 2, description: What is in the basket}
          device: {type: string, default: unknown}
          quick: bool
          pieces: int64
          weight: double
        derived:
          customer:
            basket_share: {expression: "basket / max(spend_lifetime, 1)"}
            is_mobile: {expression: 'device == "mobile"'}
        services:
          model:
            entity: customer
            features:

        """

    /// `features`: the entries of the service, one a line.
    static func definitions(_ features: String) throws -> Definitions {
        let lines = features.split(separator: "\n").map { "      - \($0)\n" }.joined()
        return try Definitions.load(yaml: yaml + lines, file: "shop.yaml")
    }

    static func plan(_ features: String) throws -> VectorPlan { try Store(definitions(features)).plan(service: "model") }

    static func faults(_ features: String) -> [DefinitionFault] {
        do {
            _ = try definitions(features)
            return []
        } catch let error as DefinitionFaults {
            return error.faults
        } catch {
            return []
        }
    }

    static func value(_ value: Value, _ status: FeatureStatus = .present) -> FeatureValue {
        FeatureValue(value: value, status: status, newestEventTime: nil)
    }

    static func map(_ entries: KeyValuePairs<String, Value>) -> Value { .map(entries.map { .init(key: $0.key, value: $0.value) }) }
}
