internal import FeatureStore
internal import Synchronization

/// A Feast request without its keys, resolved: clients send the same one again and again.
struct FeastPlan: Sendable {
    struct Key: Hashable, Sendable {
        var service: String
        var features: [String]
        var usesFullNames: Bool
        var wantsViewMetadata: Bool

        init(_ request: FeastRequest) {
            service = request.service
            features = request.service.isEmpty ? request.features : []
            usesFullNames = request.usesFullNames
            wantsViewMetadata = request.wantsViewMetadata
        }
    }

    /// One lookup for each entity that the features are of.
    let lookups: [(entity: String, selection: LookupRequest.Selection)]
    let columns: [FeastAnswer.Column]
    /// The feature views that the request names; nil: they were not asked for.
    let views: [String]?

    init(_ key: Key, _ views: FeastViews, _ definitions: Definitions) throws(FeastProblem) {
        let wanted = try Self.features(key, views, definitions)
        let names = wanted.map { key.usesFullNames ? "\($0.view.name)__\($0.feature)" : $0.feature }
        let twice = Dictionary(grouping: names, by: \.self).filter { $1.count > 1 }.keys.sorted()
        if !twice.isEmpty { throw .collision(twice) }
        // Of a service the whole vector is read; inputs, which it may have too, are in no view.
        let vector = definitions.services.first { $0.name == key.service }?.features
        var groups: [(entity: String, features: [String])] = []
        var columns: [FeastAnswer.Column] = []
        for ((view, feature), name) in zip(wanted, names) {
            var group = groups.firstIndex { $0.entity == view.entity }
            if group == nil {
                group = groups.count
                groups.append((view.entity, []))
            }
            columns.append(.init(name: name, lookup: group!, feature: vector?.firstIndex(of: feature) ?? groups[group!].features.count))
            groups[group!].features.append(feature)
        }
        // The plan of a service is made; that of a list is looked for in a cache.
        lookups = groups.map { ($0.entity, key.service.isEmpty ? .features($0.features) : .service(key.service)) }
        self.columns = columns
        var named: [String] = []
        for (view, _) in wanted where !named.contains(view.name) { named.append(view.name) }
        self.views = key.wantsViewMetadata ? named : nil
    }

    private static func features(
        _ key: Key, _ views: FeastViews, _ definitions: Definitions
    ) throws(FeastProblem) -> [(view: FeastViews.View, feature: String)] {
        if !key.service.isEmpty {
            guard let service = definitions.services.first(where: { $0.name == key.service }) else {
                throw .unknown("FeatureServiceNotFoundException", "Feature service \(key.service) does not exist in project \(views.project)")
            }
            return service.features.compactMap { name in views.view(of: name, entity: service.entity).map { ($0, name) } }
        }
        if key.features.isEmpty { throw .invalid("The request names no feature_service and no features.") }
        return try key.features.map { (reference) throws(FeastProblem) in try views.resolve(reference: reference) }
    }
}

/// Plans by request, made when first asked for. Bounded, as requests come from clients: past `maxPlans` it starts afresh.
final class FeastPlanCache: Sendable {
    private let plans = Mutex<[FeastPlan.Key: FeastPlan]>([:])
    static let maxPlans = 256

    func plan(_ key: FeastPlan.Key, make: () throws(FeastProblem) -> FeastPlan) throws(FeastProblem) -> FeastPlan {
        if let known = plans.withLock({ $0[key] }) { return known }
        let made = try make()
        plans.withLock {
            if $0.count >= Self.maxPlans { $0.removeAll(keepingCapacity: true) }
            $0[key] = made
        }
        return made
    }
}
