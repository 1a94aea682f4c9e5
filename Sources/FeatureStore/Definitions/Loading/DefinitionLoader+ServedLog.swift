/// `log:` of a service.
extension DefinitionLoader {
    func readServedLog(_ node: YAMLNode, _ label: String) -> ServedLogDefinition? {
        guard let section = section(node, "log of \(label)", keys: ["topic", "sample"]),
            let topicNode = required(section, "topic", "add `topic: served_vectors`, the Kafka topic for copies of answers"),
            let topic = topic(topicNode, "topic")
        else { return nil }
        if let stream = streams.first(where: { $0.definition.topic == topic || $0.definition.deadLetterTopic == topic }) {
            fault(topicNode.place, "`\(topic)` is a topic of stream `\(stream.definition.name)`", "name a topic that nothing else uses")
        }
        guard let sample = section["sample"] else { return ServedLogDefinition(topic: topic, perMillion: 1_000_000) }
        guard case .scalar(let text, quoted: false) = sample.content, let millionths = Self.number(text)?.exactly(scale: 6),
            1...1_000_000 ~= millionths
        else {
            fault(sample.place, "sample must be a share of the entities, not \(sample.shown)", "write a number above 0 and up to 1 with at most 6 digits after the point, such as 0.01")
            return nil
        }
        return ServedLogDefinition(topic: topic, perMillion: Int(millionths))
    }
}
