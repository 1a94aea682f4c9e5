extension VectorPlan {
    /// The level that a value comes from, by name: the service's entity, a level, `default`; nil: there is no value.
    public func levelName(_ vector: Vector, _ feature: Int) -> String? {
        guard feature < vector.levels.count else { return nil }
        switch vector.levels[feature] {
        case 0: return entity
        case Vector.noLevel: return vector.values[feature].value.isNull ? nil : "default"
        case let level: return fallback?.levels[Int(level) - 1].name
        }
    }
}
