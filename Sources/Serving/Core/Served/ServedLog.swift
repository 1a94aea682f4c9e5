internal import FeatureStore
internal import JSONBytes

/// Which answers of a service are logged: those of sampled entities, all of an entity's or none.
struct ServedLog: Sendable {
    let topic: String
    private let limit: UInt64

    /// Any other than those that partitioners and rows hash with, so that a sample is spread over all shards.
    private static let seed: UInt64 = 0x7365_7276_6564

    init(_ definition: ServedLogDefinition) {
        topic = definition.topic
        limit = definition.perMillion >= 1_000_000 ? .max : UInt64.max / 1_000_000 * UInt64(definition.perMillion)
    }

    func takes(_ key: UnsafeRawBufferPointer) -> Bool { XXHash64.hash(key, seed: Self.seed) <= limit }
}

extension LookupService {
    /// Logs an answer of one entity that is written already.
    @inline(__always)
    func log(_ contract: VectorContract, _ key: UnsafeRawBufferPointer, _ json: borrowing JSONWriter) {
        guard let log = contract.log, let served, log.takes(key) else { return }
        metrics.served(json.withBytes { served.take(log.topic, key, $0) })
    }

    /// Logs an answer entity by entity, each as it would have been answered alone.
    func log(_ answer: LookupAnswer) {
        guard let log = answer.contract.log, served != nil else { return }
        for entry in answer.entries {
            var key = entry.key
            key.withUTF8 { bytes in
                let key = UnsafeRawBufferPointer(bytes)
                guard log.takes(key) else { return }
                var json = JSONWriter(reservingBytes: 2048)
                answer.only(entry).write(to: &json)
                self.log(answer.contract, key, json)
            }
        }
    }
}

extension LookupAnswer {
    fileprivate func only(_ entry: Entry) -> LookupAnswer {
        LookupAnswer(contract: contract, asOf: asOf, freshness: freshness, entries: [entry], positions: positions)
    }
}
