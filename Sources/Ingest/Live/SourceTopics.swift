internal import FeatureStore
internal import Kafka

/// What live ingest and replays ask of the topics alike.
enum SourceTopics {
    /// librdkafka's properties for a consumer of the streams' topics.
    static func consumerConfiguration(_ kafka: KafkaSettings) -> [String: String] {
        var configuration = kafka.properties
        configuration["bootstrap.servers"] = kafka.brokers
        configuration["group.id"] = kafka.group
        configuration["client.id"] = configuration["client.id"] ?? "millrace"
        // All partitions of a number must land together, also those of different topics.
        configuration["partition.assignment.strategy"] = "range"
        configuration["auto.offset.reset"] = "error"
        configuration["enable.partition.eof"] = "true"
        return configuration
    }

    /// librdkafka's properties for a producer.
    static func producerConfiguration(_ kafka: KafkaSettings) -> [String: String] {
        var configuration = kafka.properties.filter { !consumerOnly.contains($0.key) }
        configuration["bootstrap.servers"] = kafka.brokers
        configuration["enable.idempotence"] = "true"
        return configuration
    }

    /// Properties of `kafka.properties` that a producer would warn about.
    private static let consumerOnly: Set<String> = [
        "session.timeout.ms", "heartbeat.interval.ms", "max.poll.interval.ms", "fetch.wait.max.ms", "fetch.min.bytes",
        "fetch.max.bytes", "max.partition.fetch.bytes", "fetch.message.max.bytes", "queued.min.messages",
        "queued.max.messages.kbytes", "group.instance.id", "isolation.level", "check.crcs", "fetch.error.backoff.ms",
    ]

    /// A wrong schema is reported before anything starts.
    static func checkDecoders(_ definitions: Definitions, _ descriptorSets: [[UInt8]?]) throws(DecoderSetupError) {
        for (index, stream) in definitions.streams.enumerated() {
            _ = try EventDecoder(stream: stream, index: Int32(index), descriptorSet: descriptorSets[index])
        }
    }

    /// Every topic is there, and topics keyed by one entity have the same number of partitions.
    static func check(_ partitionCounts: [String: Int], _ definitions: Definitions) throws(IngestError) {
        let missing = definitions.streams.map(\.topic).filter { (partitionCounts[$0] ?? 0) == 0 }
        guard missing.isEmpty else { throw .missingTopics(missing) }
        if let erasures = definitions.erasureStream, let topic = Optional(definitions.streams[erasures].topic),
            let largest = definitions.streams.filter({ !$0.isErasures }).max(by: { partitionCounts[$0.topic] ?? 0 < partitionCounts[$1.topic] ?? 0 }),
            let count = partitionCounts[largest.topic], partitionCounts[topic] != count
        {
            throw .erasurePartitions(topic, partitionCounts[topic] ?? 0, largest.topic, count)
        }
        for entity in definitions.entities {
            let streams = definitions.streams.filter { $0.partitioned && $0.keys.first?.entity == entity.name }
            guard let first = streams.first, let count = partitionCounts[first.topic] else { continue }
            for other in streams.dropFirst() where partitionCounts[other.topic] != count {
                throw .unequalPartitions(
                    entity: entity.name, first.topic, count, other.topic, partitionCounts[other.topic] ?? 0)
            }
        }
    }
}
