internal import FeatureStore

extension LookupService {
    /// Answers a Feast request: a lookup for each entity that its features are of, all at one time.
    public func feast(_ request: FeastRequest) throws(FeastProblem) -> FeastAnswer {
        let wanted = try features(of: request)
        let names = wanted.map { request.usesFullNames ? "\($0.view.name)__\($0.feature)" : $0.feature }
        let twice = Dictionary(grouping: names, by: \.self).filter { $1.count > 1 }.keys.sorted()
        if !twice.isEmpty { throw .collision(twice) }

        // Of a service the whole vector is read; inputs, which it may have too, are in no view.
        let vector = source.definitions.services.first { $0.name == request.service }?.features
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
        let keys = try groups.map { (group) throws(FeastProblem) in try joinKeys(group.entity, in: request) }
        let now = source.now()
        var lookups: [LookupAnswer] = []
        for (group, keys) in zip(groups, keys) {
            // The plan of a service is made; that of a list is looked for in a cache.
            let selection: LookupRequest.Selection = request.service.isEmpty ? .features(group.features) : .service(request.service)
            do throws(LookupProblem) {
                lookups.append(try lookup(LookupRequest(selection, keys: keys.keys, asOf: now)).get())
            } catch {
                throw FeastProblem(error)
            }
        }
        var views: [String] = []
        if request.wantsViewMetadata { for (view, _) in wanted where !views.contains(view.name) { views.append(view.name) } }
        return FeastAnswer(keys: keys, columns: columns, lookups: lookups, views: request.wantsViewMetadata ? views : nil)
    }

    private func features(of request: FeastRequest) throws(FeastProblem) -> [(view: FeastViews.View, feature: String)] {
        if !request.service.isEmpty {
            guard let service = source.definitions.services.first(where: { $0.name == request.service }) else {
                throw .unknown(
                    "FeatureServiceNotFoundException", "Feature service \(request.service) does not exist in project \(feastViews.project)")
            }
            return service.features.compactMap { name in feastViews.view(of: name, entity: service.entity).map { ($0, name) } }
        }
        if request.features.isEmpty { throw .invalid("The request names no feature_service and no features.") }
        return try request.features.map { (reference) throws(FeastProblem) in try feastViews.resolve(reference: reference) }
    }

    private func joinKeys(_ entity: String, in request: FeastRequest) throws(FeastProblem) -> (name: String, keys: [String]) {
        guard let column = request.entities.first(where: { $0.name == entity }) else {
            throw .invalid("Missing join key values for keys: ['\(entity)']. The request has \(request.entities.map(\.name)).")
        }
        if column.keys.isEmpty { throw .invalid("Entity \(entity) has no keys.") }
        guard request.entities.allSatisfy({ $0.keys.count == column.keys.count }) else {
            throw .invalid("All entity columns must have the same number of keys.")
        }
        return column
    }
}
