public import FeatureStore

/// What a request needs, once it is read.
extension LookupService {
    public func need(_ selection: LookupRequest.Selection) -> Need {
        switch selection {
        case .service(let name): return .service(name)
        case .features:
            // What no plan can be made of is refused for that, by and by.
            let entity = try? contracts.contract(selection).plan.entity
            return .entities(entity.map { [$0] } ?? [])
        }
    }

    public func need(_ request: FeastRequest) -> Need {
        if !request.service.isEmpty { return .service(request.service) }
        let entities = Set(request.features.compactMap { try? feastViews.resolve(reference: $0).view.entity })
        return .entities(entities.sorted())
    }

    public func need(_ query: Explanation.Query) -> Need {
        if let entity = query.entity { return .entity(entity) }
        let definitions = source.definitions
        if let service = query.service { return .entities(definitions.services.first { $0.name == service }.map { [$0.entity] } ?? []) }
        // The first that has it is the one that is explained.
        let entity = definitions.entities.first { entity in
            definitions.views.contains { $0.entity == entity.name && $0.features.contains { $0.name == query.feature } }
                || definitions.derived.contains { $0.entity == entity.name && $0.name == query.feature }
        }
        return .entities(entity.map { [$0.name] } ?? [])
    }
}
