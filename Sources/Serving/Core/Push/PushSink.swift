public import FeatureStore

/// Where pushed rows go: in production to Kafka, in tests to a list.
public struct PushSink: Sendable {
    /// Checks the rows, produces them and returns when they are durable: the newest record of each partition. Rows without a time get
    /// `now`, µs since the epoch. `stream`: index in `Definitions.streams`.
    public var push: @Sendable (_ stream: Int, _ rows: [PushRow], _ now: Int64) async throws(LookupProblem) -> [SourceOffset]

    public init(push: @escaping @Sendable (Int, [PushRow], Int64) async throws(LookupProblem) -> [SourceOffset]) { self.push = push }
}
