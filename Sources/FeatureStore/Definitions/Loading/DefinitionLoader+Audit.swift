/// `audit:`.
extension DefinitionLoader {
    func readAudit(_ node: YAMLNode?, erasures: ErasureSettings?) -> AuditSettings? {
        guard let node else { return nil }
        guard let section = section(
            node, "audit", keys: ["file", "max_file_size", "topic", "on_failure", "events", "lookups", "entity_keys"]),
            let path = required(section, "file", "add `file: audit.ndjson`").flatMap({ string($0, "file") })
        else { return nil }
        var audit = AuditSettings(file: resolve(path))
        if let node = section["max_file_size"] { audit.maxFileBytes = size(node, "max_file_size", in: 4_096...(1 << 40)) ?? audit.maxFileBytes }
        if let node = section["topic"], let topic = topic(node, "topic") {
            var all = streams.map(\.definition)
            if let erasures { all.append(erasures.stream) }
            if let stream = all.first(where: { $0.topic == topic || $0.deadLetterTopic == topic }) {
                fault(node.place, "`\(topic)` is a topic of stream `\(stream.name)`", "name a topic that nothing else uses")
            }
            audit.topic = topic
        }
        if let node = section["on_failure"] { audit.onFailure = choice(node, "on_failure", AuditSettings.OnFailure.self) ?? .refuse }
        if let node = section["events"], let list = list(node, "events", remedy: "write [refusals, pushes, erasures, admin, explain]") {
            audit.events = Set(list.compactMap { choice($0, "events", AuditSettings.Event.self) })
        }
        if let node = section["lookups"] { readAuditedLookups(node, into: &audit) }
        if let node = section["entity_keys"] { audit.hasEntityKeys = bool(node, "entity_keys") ?? false }
        return audit
    }

    /// `all`, `none`, or a share such as 0.01.
    private func readAuditedLookups(_ node: YAMLNode, into audit: inout AuditSettings) {
        guard case .scalar(let text, quoted: false) = node.content else {
            return fault(node.place, "lookups must be all, none or a share, not \(node.shown)", "write `lookups: all` or `lookups: 0.01`")
        }
        switch text {
        case "all": audit.events.insert(.lookups)
        case "none": audit.events.remove(.lookups)
        default:
            guard let millionths = Self.number(text)?.exactly(scale: 6), 1...1_000_000 ~= millionths else {
                return fault(
                    node.place, "lookups must be all, none or a share, not \(node.shown)",
                    "write a number above 0 and up to 1 with at most 6 digits after the point, such as 0.01")
            }
            audit.events.insert(.lookups)
            audit.lookupsPerMillion = Int(millionths)
        }
    }
}
