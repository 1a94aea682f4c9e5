/// `entities:`, and what is special of a singleton.
extension DefinitionLoader {
    func readEntities(_ node: YAMLNode?) {
        guard let node, let entries = entries(node, "entities") else { return }
        for entry in entries where isName(entry.key, "entity name", entry.keyPlace) {
            var entity = EntityDefinition(name: entry.key)
            let label = "entity `\(entry.key)`"
            if !entry.value.isNull, let section = section(entry.value, label, keys: ["description", "singleton", "cache", "pseudonymous"]) {
                entity.description = text(section["description"], "description")
                if let node = section["singleton"] { entity.isSingleton = bool(node, "singleton") ?? true }
                if let node = section["pseudonymous"] { entity.isPseudonymous = bool(node, "pseudonymous") ?? false }
                if entity.isPseudonymous, entity.isSingleton {
                    fault(entry.keyPlace, "\(label) is a singleton, whose key is its name", "remove `pseudonymous`")
                }
                entity.cache = section["cache"].flatMap { readCache($0, label) }
            }
            entities.append(entity)
        }
    }

    private func readCache(_ node: YAMLNode, _ label: String) -> CacheSettings? {
        guard let section = section(node, "cache of \(label)", keys: ["max_age", "max_entries"]),
            let ageNode = required(section, "max_age", "add `max_age: 1s`, the oldest that a value may be"),
            let maxAge = fineDuration(ageNode, "max_age", in: 1_000 ... .hours(1))
        else { return nil }
        var cache = CacheSettings(maxAge: maxAge)
        if let node = section["max_entries"] { cache.maxEntries = integer(node, "max_entries", in: 1...10_000_000) ?? cache.maxEntries }
        return cache
    }

    /// `20ms`, `1s`: one that may be shorter than a second.
    func fineDuration(_ node: YAMLNode, _ label: String, in range: ClosedRange<Microseconds>) -> Microseconds? {
        let bounds = "\(Self.fine(range.lowerBound)) to \(Self.fine(range.upperBound))"
        guard case .scalar(let text, _) = node.content, let value = DurationText.parse(text, fine: true) else {
            fault(node.place, "\(label) must be a duration, not \(node.shown)", "write a whole number and a unit, such as 20ms, 500ms or 1s")
            return nil
        }
        guard range.contains(value) else {
            fault(node.place, "\(label) is \(text), outside \(bounds)", "use a duration from \(bounds)")
            return nil
        }
        return value
    }

    private static func fine(_ duration: Microseconds) -> String {
        duration % 1_000_000 == 0 ? DurationText.format(duration) : "\(duration / 1000)ms"
    }

    func isSingleton(_ entity: String) -> Bool { entities.contains { $0.name == entity && $0.isSingleton } }

    /// Every event of every stream describes a singleton, so nothing of it may grow with their number.
    func checkSingleton(_ view: ViewDefinition, _ section: Section, _ label: String) {
        guard isSingleton(view.entity), view.keepsEvents else { return }
        fault(
            (section["keep"] ?? section["attributed_to"])?.place ?? section.place, "\(label) would keep events of all of `\(view.entity)`, a singleton",
            "leave out `keep`, `attributed_to` and exact windows; where the stream's events are retracted, add `retractions: ignore`")
    }
}
