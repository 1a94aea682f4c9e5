package import FeatureStore

/// What is watched: features by entity, with what it takes to read and judge them.
package struct Watched: Sendable {
    package struct Feature: Sendable {
        package var entity: String
        package var feature: String
        package var type: ValueType
        /// Not judged for so long after its first observation, because its window fills.
        package var warmUp: Microseconds
        /// As keys and states of the store name it.
        package var name: String { "\(entity)/\(feature)" }
    }

    package struct Entity: Sendable {
        /// Index into the catalogue.
        package var index: Int
        package var name: String
        /// Positions in `features`, in the order of the plan.
        package var features: Range<Int>
        package var plan: VectorPlan
    }

    package private(set) var features: [Feature] = []
    package private(set) var entities: [Entity] = []

    package init(_ store: Store, _ settings: MonitoringSettings) {
        let catalog = store.catalog
        let definitions = store.definitions
        for entity in catalog.entities where !entity.views.isEmpty {
            var wanted: Set<String>?
            if !settings.services.isEmpty {
                wanted = Set(definitions.services.filter { settings.services.contains($0.name) && $0.entity == entity.name }.flatMap(\.features))
            }
            let found = catalog.features.filter { feature in
                guard feature.entity == entity.index, wanted?.contains(feature.name) ?? true else { return false }
                return !Self.needsInput(feature, catalog)
            }
            guard !found.isEmpty, let plan = store.observationPlan(entity: entity.index, features: found.map(\.name)) else { continue }
            let first = features.count
            for feature in found {
                features.append(Feature(
                    entity: entity.name, feature: feature.name, type: feature.type, warmUp: settings.warmUp ?? Self.warmUp(feature, catalog)))
            }
            entities.append(Entity(index: entity.index, name: entity.name, features: first..<features.count, plan: plan))
        }
    }

    /// What comes with a request is not there to be observed, nor what is computed of it.
    private static func needsInput(_ feature: CatalogFeature, _ catalog: Catalog) -> Bool {
        switch feature.source {
        case .input: true
        case .view: false
        case .derived(_, let inputs): inputs.contains { needsInput(catalog.features[$0], catalog) }
        }
    }

    /// A window fills as long as it is; what is kept for ever grows for ever, and is taken to be what it is after 30 days. A last value or an
    /// extreme of one is what it is at once.
    private static func warmUp(_ feature: CatalogFeature, _ catalog: Catalog) -> Microseconds {
        switch feature.source {
        case .input: return 0
        case .derived(_, let inputs): return inputs.map { warmUp(catalog.features[$0], catalog) }.max() ?? 0
        case .view(_, let definition):
            switch definition.window {
            case .sliding(let length, _): return length
            case .calendar: return .days(31)
            case .lifetime:
                switch definition.aggregation {
                case .last, .lastN: return 0
                default: return .days(30)
                }
            }
        }
    }

    /// The feature that a request means.
    package func index(of feature: String, entity: String?) throws(MonitoringError) -> Int {
        let found = features.indices.filter { features[$0].feature == feature && (entity == nil || features[$0].entity == entity) }
        if found.count > 1 { throw .ambiguous(feature, entities: found.map { features[$0].entity }) }
        guard let index = found.first else { throw .unknownFeature(feature, nearest: NearestName.of(feature, in: features.map(\.feature))) }
        return index
    }
}
