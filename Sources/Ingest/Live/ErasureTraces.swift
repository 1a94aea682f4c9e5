internal import FeatureStore

/// What Millrace itself has produced about an erased entity: dead letters and logged answers, in topics keyed by its id. A record without a value under the same
/// key tells the brokers to delete the others, where the topic is compacted (docs/PRIVACY.md).
struct ErasureTraces {
    /// By name of the entity: topics that Millrace produces to under its ids.
    private let topics: [String: [String]]

    init(_ definitions: Definitions) {
        topics = Dictionary(uniqueKeysWithValues: definitions.entities.map { ($0.name, Self.topics(definitions, of: $0.name)) })
    }

    /// None of them: nothing has to be produced.
    static func topics(_ definitions: Definitions) -> [String] {
        definitions.privacy.erasures?.entities.flatMap { topics(definitions, of: $0) } ?? []
    }

    private static func topics(_ definitions: Definitions, of entity: String) -> [String] {
        var topics: [String] = []
        for stream in definitions.streams where stream.keys.first?.entity == entity {
            if let topic = stream.deadLetterTopic { topics.append(topic) }
        }
        for service in definitions.services where service.entity == entity {
            if let topic = service.log?.topic { topics.append(topic) }
        }
        return Array(Set(topics)).sorted()
    }

    func topics(of entity: FieldValue) -> [String] {
        guard !topics.isEmpty, entity.kind == .string else { return [] }
        return topics[String(decoding: entity.bytes, as: UTF8.self)] ?? []
    }
}
