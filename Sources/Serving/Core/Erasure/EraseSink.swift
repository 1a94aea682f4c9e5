public import FeatureStore

/// Where erasures go and what is known of them: in production Kafka and the store, in tests a list.
public struct EraseSink: Sendable {
    /// Produces an erasure of each key to every partition and returns when all are durable: the newest record of each partition.
    public var erase: @Sendable (_ request: EraseRequest, _ receipt: String) async throws(LookupProblem) -> [SourceOffset]
    /// What the shards of this process say of a receipt.
    public var receipt: @Sendable (_ receipt: String) throws(LookupProblem) -> ErasureReceipt?

    public init(
        erase: @escaping @Sendable (EraseRequest, String) async throws(LookupProblem) -> [SourceOffset],
        receipt: @escaping @Sendable (String) throws(LookupProblem) -> ErasureReceipt?
    ) {
        self.erase = erase
        self.receipt = receipt
    }
}
