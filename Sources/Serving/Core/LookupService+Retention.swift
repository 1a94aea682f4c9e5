public import FeatureStore

extension LookupService {
    /// How long data is kept, by the definitions and in the shards of this process. Reads every row.
    public func retention() throws(LookupProblem) -> RetentionReport {
        do { return try source.retention() } catch {
            throw LookupProblem(.storage, detail: "\(error)", remedy: "See the server's log; GET /v1/shards shows which shards are open.")
        }
    }
}
