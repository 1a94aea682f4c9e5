extension Catalog {
    /// How many elements every list of a feature has; nil: it is no vector.
    func dimension(of feature: Int) -> Int? {
        let entry = features[feature]
        guard case .list = entry.type, case .view(let view, let definition) = entry.source else { return nil }
        switch definition.aggregation {
        case .mean(let field), .last(let field), .first(let field):
            let stream = definitions.streams[entities[entry.entity].views[view].stream]
            return stream.fields.first { $0.name == field }?.type.dimension
        default: return nil
        }
    }
}
