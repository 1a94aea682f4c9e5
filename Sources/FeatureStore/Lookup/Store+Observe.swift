/// What monitoring asks of the store.
extension Store {
    /// A plan of features of one entity that no service treats: no defaults of its own, no fallback. Nil: one of them is not known.
    package func observationPlan(entity: Int, features: [String]) -> VectorPlan? {
        try? plan(features, entity: entity, service: nil)
    }

    /// The values of an entity as of an event's time; nil: its shard is not here, or its row cannot be read at this moment.
    package func observe(_ plan: VectorPlan, key: [UInt8], asOf: Int64) -> [FeatureValue]? {
        key.withUnsafeBytes { key in try? lookup(plan, key: key, asOf: asOf).values }
    }
}
