internal import FeatureStore
internal import Ingest
internal import Serving

extension PushSink {
    /// Pushes to Kafka. How many partitions a topic has is what ingest has seen.
    init(_ producer: PushProducer, _ store: Store) {
        self.init { (stream, rows, now) async throws(LookupProblem) in
            let topic = store.definitions.streams[stream].topic
            let partitions = try store.partitions(producingTo: topic)
            do throws(PushError) {
                return try await producer.push(rows, stream: stream, partitions: partitions, now: now)
            } catch {
                throw LookupProblem(error)
            }
        }
    }
}

extension Store {
    /// How many partitions a topic has that a request is to be produced to.
    func partitions(producingTo topic: String) throws(LookupProblem) -> Int {
        if let count = partitionCount(topic) { return count }
        throw LookupProblem(.notDurable, detail: "No broker has answered yet.", remedy: "Try again in a second.")
    }
}

extension LookupProblem {
    init(_ error: PushError) {
        switch error {
        case .row(let number, let what):
            self.init(.badRequest, detail: "rows[\(number)]: \(what).", remedy: "Correct it; nothing of this request was pushed.")
        case .delivery(let what):
            self.init(
                .notDurable, detail: "Not all rows are known to be stored: \(what).",
                remedy: "Push them again with the same times: of each feature the newest value counts, once.")
        case .erasure(let what):
            self.init(.notDurable, detail: "The erasure is not known to be stored: \(what).", remedy: "Send it again, which does no harm.")
        }
    }
}
