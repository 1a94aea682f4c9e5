/// `derived:` and `services:`.
extension DefinitionLoader {
    /// A derived feature before its type is known.
    private struct Pending {
        var definition: DerivedDefinition
        var place: SourcePlace
        var expression: YAMLNode
        var defaultNode: YAMLNode?
        /// Empty when it does not parse.
        var names: [String] = []
        var isBroken = false
    }

    /// Derived features end up ordered so that each names only those before it.
    func readDerived(_ node: YAMLNode?) {
        guard let node, let entities = entries(node, "derived") else { return }
        for entry in entities {
            guard self.entities.contains(where: { $0.name == entry.key }) else {
                fault(
                    entry.keyPlace, "there is no entity `\(entry.key)`",
                    NearestName.remedy(entry.key, in: self.entities.map(\.name), what: "entity; derived features are listed by entity"))
                features.isIncomplete = true
                continue
            }
            guard let list = entries(entry.value, "derived features of \(entry.key)") else { continue }
            var pending: [String: Pending] = [:]
            var order: [String] = []
            for feature in list {
                guard let read = readPending(feature, entity: entry.key) else { continue }
                pending[feature.key] = read
                order.append(feature.key)
            }
            var states: [String: Bool] = [:]
            var trail: [String] = []
            for name in order { settle(name, &pending, &states, &trail) }
        }
    }

    private func readPending(_ entry: YAMLNode.Entry, entity: String) -> Pending? {
        let label = "derived feature `\(entry.key)`"
        guard isName(entry.key, "feature name", entry.keyPlace) else { return nil }
        if let before = features.entry(entry.key, of: entity) {
            fault(
                entry.keyPlace, "the feature `\(entry.key)` of \(entity) is defined twice",
                "rename one; the other is on line \(before.place.line)")
            return nil
        }
        features.add(entry.key, .init(entity: entity, type: nil, place: entry.keyPlace))
        guard let section = section(entry.value, label, keys: ["expression", "default", "description"] + Self.classificationKeys),
            let node = required(section, "expression", "add `expression: a / max(b, 1)`"), let text = string(node, "expression")
        else { return nil }
        var definition = DerivedDefinition(name: entry.key, entity: entity, expression: text)
        definition.classification = readClassification(section)
        definition.description = self.text(section["description"], "description")
        var pending = Pending(definition: definition, place: entry.keyPlace, expression: node, defaultNode: section["default"])
        do {
            pending.names = try ExpressionParser.parse(text).names.map(\.name)
        } catch {
            fault(error, in: node, of: text)
            pending.isBroken = true
        }
        return pending
    }

    /// Compiles one after those that it names. `states`: absent is new, false is being settled, true is done. The recursion is as deep as
    /// the longest chain of derived features; `trail` bounds it.
    private func settle(_ name: String, _ pending: inout [String: Pending], _ states: inout [String: Bool], _ trail: inout [String]) {
        guard let feature = pending[name], states[name] != true else { return }
        if states[name] == false {
            let cycle = trail.drop { $0 != name } + [name]
            fault(
                feature.place, "the derived feature `\(name)` depends on itself: \(cycle.joined(separator: " -> "))",
                "break the circle: let one of them name features of a view only")
            for name in cycle { pending[name]?.isBroken = true }
            return
        }
        guard trail.count < 100 else {
            fault(feature.place, "derived features name one another more than 100 deep", "write the formula in fewer steps")
            pending[name]?.isBroken = true
            return
        }
        states[name] = false
        trail.append(name)
        for input in feature.names { settle(input, &pending, &states, &trail) }
        trail.removeLast()
        states[name] = true
        guard pending[name]?.isBroken == false else { return }

        let definition = feature.definition
        let isKnowable = feature.names.allSatisfy { input in
            guard let entry = features.entry(input, of: definition.entity) else { return !features.mayBeBroken(input) }
            return entry.type != nil
        }
        guard isKnowable else { return }
        do {
            let known = features.names(of: definition.entity)
            let derivation = try Derivation.compile(definition.expression, known: known) {
                features.entry($0, of: definition.entity)?.type
            }
            features.set(derivation.type, of: name, entity: definition.entity)
            var definition = definition
            if let node = feature.defaultNode {
                definition.defaultValue = defaultValue(node, derivation.type, "derived feature `\(name)`")
            }
            derived.append(definition)
        } catch {
            fault(error, in: feature.expression, of: definition.expression)
        }
    }

    // MARK: Services

    func readServices(_ node: YAMLNode?) {
        guard let node, let entries = entries(node, "services") else { return }
        for entry in entries {
            let label = "service `\(entry.key)`"
            guard isName(entry.key, "service name", entry.keyPlace),
                let section = section(entry.value, label, keys: ["version", "entity", "max_staleness", "log", "deadline", "fallback", "description", "features"])
            else { continue }
            var service = ServiceDefinition(name: entry.key, entity: "", features: [])
            if let node = section["version"] { service.version = integer(node, "version", in: 1...1_000_000) ?? 1 }
            if let node = section["max_staleness"] { service.maxStaleness = duration(node, "max_staleness", in: .seconds(1) ... .days(400)) }
            service.log = section["log"].flatMap { readServedLog($0, label) }
            if let node = section["deadline"] { service.deadline = fineDuration(node, "deadline", in: 1_000 ... .seconds(60)) }
            service.description = text(section["description"], "description")
            var entity: String?
            if let node = required(section, "entity", "add `entity: customer`"), let name = string(node, "entity") {
                if entities.contains(where: { $0.name == name }) {
                    entity = name
                } else {
                    fault(node.place, "there is no entity `\(name)`", NearestName.remedy(name, in: entities.map(\.name), what: "entity"))
                }
            }
            service.entity = entity ?? ""
            hasBrokenLevels = false
            if let node = section["fallback"] { readLevels(node, label, into: &service) }
            if let node = required(section, "features", "add `features: [...]`, in the order the model reads them"),
                let list = list(node, "features", remedy: "write [name, name, ...]")
            {
                readServiceFeatures(list, node, label, into: &service)
                if let node = section["fallback"] { checkLevels(node, label, service) }
            }
            services.append(service)
        }
    }
}
