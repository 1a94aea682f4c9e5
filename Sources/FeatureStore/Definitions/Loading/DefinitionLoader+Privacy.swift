internal import Foundation

/// `privacy:`, and what it asks of the rest.
extension DefinitionLoader {
    func readPrivacy(_ node: YAMLNode?) -> PrivacySettings {
        var privacy = PrivacySettings()
        let section = settings(node, "privacy", keys: ["key", "erasures"])
        if let node = section["key"] { privacy.key = pseudonymKey(node) }
        if let node = section["erasures"] { privacy.erasures = readErasures(node) }
        if let erasures = privacy.erasures { checkKeptIDs(of: erasures.entities, section["erasures"]?.place ?? section.place) }
        if section["key"] == nil, let entity = entities.first(where: \.isPseudonymous) {
            fault(
                section.place, "entity `\(entity.name)` is pseudonymous: its keys need a secret, and there is none",
                "make one with `openssl rand -hex 16 > pseudonyms.key` and name it: `privacy: {key: {file: pseudonyms.key}}`")
        }
        return privacy
    }

    private func readErasures(_ node: YAMLNode) -> ErasureSettings? {
        guard let section = section(node, "erasures", keys: ["topic", "entities", "purge_within", "serve_unconfirmed"]),
            let topicNode = required(section, "topic", "add `topic: erasures`, the Kafka topic that says who is to be erased"),
            let topic = topic(topicNode, "topic")
        else { return nil }
        var erasures = ErasureSettings(topic: topic)
        if let node = section["entities"] {
            for node in list(node, "entities", remedy: "write [customer]") ?? [] {
                guard let entity = knownEntity(node) else { continue }
                if isSingleton(entity) { fault(node.place, "`\(entity)` is a singleton, which cannot be erased", "remove it") }
                erasures.entities.append(entity)
            }
        } else {
            // Whom the topics are about first of all.
            let first = Set(streams.compactMap { $0.definition.keys.first?.entity })
            erasures.entities = entities.map(\.name).filter { first.contains($0) }
        }
        if let node = section["purge_within"] {
            erasures.purgeWithin = duration(node, "purge_within", in: .seconds(1) ... .days(30)) ?? erasures.purgeWithin
        }
        if let node = section["serve_unconfirmed"] { erasures.servesUnconfirmed = bool(node, "serve_unconfirmed") ?? false }
        for stream in streams.map(\.definition) {
            if stream.topic == topic || stream.deadLetterTopic == topic {
                fault(topicNode.place, "the topic of erasures is one of stream `\(stream.name)`, too", "give erasures a topic of their own")
            }
            if stream.name == ErasureSettings.streamName {
                fault(
                    topicNode.place, "a stream is named `\(ErasureSettings.streamName)`, which is the name of the stream of erasures",
                    "rename that stream")
            }
        }
        return erasures
    }

    /// `{file: path}`: 32 hexadecimal digits.
    private func pseudonymKey(_ node: YAMLNode) -> PseudonymKey? {
        let remedy = "make one with `openssl rand -hex 16 > pseudonyms.key`, readable to this user only"
        guard let section = section(node, "privacy key", keys: ["file"]),
            let fileNode = required(section, "file", "write `key: {file: pseudonyms.key}`"), let path = string(fileNode, "file")
        else { return nil }
        let resolved = resolve(path)
        guard let data = FileManager.default.contents(atPath: resolved), data.count <= 1 << 12, let text = String(data: data, encoding: .utf8) else {
            fault(fileNode.place, "the key file `\(resolved)` cannot be read", remedy)
            return nil
        }
        guard let key = PseudonymKey(hexadecimal: text.trimmingCharacters(in: .whitespacesAndNewlines)), key != .open else {
            fault(fileNode.place, "the key file `\(resolved)` is not 32 hexadecimal digits, or only zeros", remedy)
            return nil
        }
        return key
    }

    /// An erasure removes rows of the erased entity. Where other entities' rows list its ids as values, they would stay.
    private func checkKeptIDs(of erasable: [String], _ place: SourcePlace) {
        for view in views {
            guard let stream = streams.first(where: { $0.definition.name == view.stream })?.definition else { continue }
            for key in stream.keys where key.entity != view.entity && erasable.contains(key.entity) {
                for field in stream.fields where field.path == key.path {
                    guard let feature = view.features.first(where: { $0.aggregation.keeps(field.name, asEvents: view.keepsEvents) }) else { continue }
                    fault(
                        features.entry(feature.name, of: view.entity)?.place ?? place,
                        "`\(feature.name)` keeps ids of \(key.entity) in rows of \(view.entity), where an erasure does not find them",
                        "use `distinct_count`, which keeps hashes, or another field than `\(field.name)`; or leave \(key.entity) out of `erasures: {entities: [...]}`")
                }
            }
        }
    }
}

extension Aggregation {
    /// Whether rows have values of a field as they came, and not only sums, hashes or the like. `asEvents`: rows keep the events themselves.
    fileprivate func keeps(_ name: String, asEvents: Bool) -> Bool {
        switch self {
        case .min(name), .max(name), .first(name), .last(name), .lastN(name, _, _), .countBy(name, _), .sumBy(_, name, _), .topK(name, _, _): true
        case .count(name?), .sum(name), .mean(name), .distinctCount(name), .sumBy(name, _, _), .deviation(name), .percentile(name, _, _, _),
            .decayedCount(name?, _), .decayedSum(name, _):
            asEvents
        default: false
        }
    }
}
