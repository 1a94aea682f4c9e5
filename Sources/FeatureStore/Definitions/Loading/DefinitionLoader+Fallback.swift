/// A service's `fallback:`, and that of its features.
extension DefinitionLoader {
    static let maxLevels = 8

    /// Before the features are read, which name the levels.
    func readLevels(_ node: YAMLNode, _ label: String, into service: inout ServiceDefinition) {
        guard let nodes = list(node, "fallback", remedy: "write `fallback: [{entity: category, key: last_category_lifetime}]`") else {
            hasBrokenLevels = true
            return
        }
        if nodes.count > Self.maxLevels { fault(node.place, "fallback has \(nodes.count) levels, at most \(Self.maxLevels) are allowed", "keep those that matter") }
        for node in nodes {
            guard let level = readLevel(node, label, service) else {
                hasBrokenLevels = true
                continue
            }
            if service.fallback.contains(where: { $0.name == level.name }) {
                fault(node.place, "\(label) has two levels `\(level.name)`", "give one of them another name with `level:`")
                continue
            }
            service.fallback.append(level)
        }
    }

    private func readLevel(_ node: YAMLNode, _ label: String, _ service: ServiceDefinition) -> FallbackLevel? {
        guard let section = section(node, "a level of \(label)", keys: ["level", "entity", "key"]),
            let entityNode = required(section, "entity", "add `entity: category`, whose features take the place"),
            let entity = string(entityNode, "entity")
        else { return nil }
        guard entities.contains(where: { $0.name == entity }) else {
            fault(entityNode.place, "there is no entity `\(entity)`", NearestName.remedy(entity, in: entities.map(\.name), what: "entity"))
            return nil
        }
        var level = FallbackLevel(name: entity, entity: entity)
        if let node = section["level"] {
            guard let name = name(node, "level") else { return nil }
            level.name = name
        }
        if ["default", service.entity].contains(level.name) {
            fault((section["level"] ?? entityNode).place, "`\(level.name)` is not the name of a level", "give it another name with `level:`; answers use this one otherwise")
            return nil
        }
        if isSingleton(entity) {
            if let node = section["key"] { fault(node.place, "`\(entity)` is a singleton and needs no key", "remove `key`") }
            return level
        }
        guard let keyNode = required(section, "key", "add `key: ...`, the feature whose value is the key of a \(entity)"),
            let key = string(keyNode, "key")
        else { return nil }
        level.key = key
        guard let entry = features.entry(key, of: service.entity) else {
            if service.entity.isEmpty || features.mayBeBroken(key) { return level }
            fault(keyNode.place, "there is no feature `\(key)`", NearestName.remedy(key, in: features.names(of: service.entity), what: "feature of \(service.entity)"))
            return nil
        }
        if let type = entry.type, type != .string, type != .int {
            fault(keyNode.place, "`\(key)` is a \(type), and no key", "name a feature that is a string or an int64")
            return nil
        }
        return level
    }

    /// `{category: price_24h, everyone: price_24h}`: per level the feature that takes the place.
    func readFallback(_ node: YAMLNode, _ name: String, _ type: ValueType, _ label: String, _ service: ServiceDefinition) -> [String: String] {
        var sources: [String: String] = [:]
        for entry in entries(node, "fallback of `\(name)`") ?? [] {
            guard let level = service.fallback.first(where: { $0.name == entry.key }) else {
                if hasBrokenLevels { continue }
                let remedy = service.fallback.isEmpty
                    ? "add `fallback: [{entity: \(entry.key), key: ...}]` to the service" : NearestName.remedy(entry.key, in: service.fallback.map(\.name), what: "level")
                fault(entry.keyPlace, "\(label) has no level `\(entry.key)`", remedy)
                continue
            }
            sources[entry.key] = ""
            guard let source = string(entry.value, "feature") else { continue }
            guard let found = features.entry(source, of: level.entity) else {
                if !features.mayBeBroken(source) {
                    fault(entry.value.place, "there is no feature `\(source)` of \(level.entity)", NearestName.remedy(source, in: features.names(of: level.entity), what: "feature of \(level.entity)"))
                }
                continue
            }
            if let other = found.type, other != type, !(type.isNumber && type.widened(with: other) == type) {
                fault(entry.value.place, "`\(source)` is a \(other), and `\(name)` is a \(type)", "name a feature of the same type")
                continue
            }
            sources[entry.key] = source
        }
        return sources
    }

    /// A level that no feature uses is a mistake: nothing would ever come from it.
    func checkLevels(_ node: YAMLNode, _ label: String, _ service: ServiceDefinition) {
        if hasBrokenLevels { return }
        for level in service.fallback where !service.served.values.contains(where: { $0.fallback[level.name] != nil }) {
            fault(
                node.place, "no feature of \(label) falls back to `\(level.name)`",
                "write `{name: ..., fallback: {\(level.name): ...}}` where one does, or remove the level")
        }
    }
}
