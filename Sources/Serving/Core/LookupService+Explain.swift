public import FeatureStore

extension LookupService {
    /// How the value of one feature of one entity came about.
    public func explain(_ query: Explanation.Query) -> Result<Explanation, LookupProblem> {
        var query = query
        if query.asOf == nil { query.asOf = source.now() }
        if let maxStaleness = query.maxStaleness, maxStaleness < 0 {
            return .failure(LookupProblem(
                .badRequest, detail: "max_staleness is negative: \(maxStaleness) µs.", remedy: "Give 0 or more microseconds."))
        }
        do throws(LookupError) {
            return .success(try source.explain(query))
        } catch {
            return .failure(LookupProblem(error, key: query.key))
        }
    }
}
