internal import FeatureStore
internal import Ingest
internal import Serving

extension EraseSink {
    /// Erases through Kafka; receipts are read from the shards.
    init(_ producer: EraseProducer, _ store: Store, topic: String) {
        self.init(
            erase: { (request, receipt) async throws(LookupProblem) in
                let partitions = try store.partitions(producingTo: topic)
                do throws(PushError) {
                    return try await producer.erase(request.entity, request.keys, receipt: receipt, partitions: partitions)
                } catch {
                    throw LookupProblem(error)
                }
            },
            receipt: { (receipt) throws(LookupProblem) in
                do { return try store.erasure(receipt: receipt) } catch {
                    throw LookupProblem(.storage, detail: "\(error)", remedy: "See the server's log; GET /v1/shards shows which shards are open.")
                }
            })
    }
}
