internal import FeatureStore

extension LookupService {
    /// Answers a Feast request: a lookup for each entity that its features are of, all at one time.
    public func feast(_ request: FeastRequest) throws(FeastProblem) -> FeastAnswer {
        let key = FeastPlan.Key(request)
        let plan = try feastPlans.plan(key) { () throws(FeastProblem) in try FeastPlan(key, feastViews, source.definitions) }
        let keys = try plan.lookups.map { (lookup) throws(FeastProblem) in try joinKeys(lookup.entity, in: request) }
        let now = source.now()
        var lookups: [LookupAnswer] = []
        for ((_, selection), keys) in zip(plan.lookups, keys) {
            do throws(LookupProblem) {
                lookups.append(try lookup(LookupRequest(selection, keys: keys.keys, asOf: now)).get())
            } catch {
                throw FeastProblem(error)
            }
        }
        return FeastAnswer(keys: keys, columns: plan.columns, lookups: lookups, views: plan.views)
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
