/// The entries of a service's `features:`: names, or mappings that say more of a feature.
extension DefinitionLoader {
    private static let servedKeys = ["name", "default", "clip", "one_hot", "vocabulary", "hashed", "other", "sparse", "fallback"]
    /// So that a row of the matrix has a bound.
    private static let maxColumns = 16_384

    func readServiceFeatures(_ list: [YAMLNode], _ node: YAMLNode, _ label: String, into service: inout ServiceDefinition) {
        if list.isEmpty { fault(node.place, "\(label) has no features", "name at least one") }
        if list.count > 10_000 { fault(node.place, "\(label) has \(list.count) features, at most 10000 are allowed", "split it into two services") }
        var seen: Set<String> = []
        for element in list {
            var said: Section?
            var nameNode = element
            if case .mapping = element.content {
                guard let section = section(element, "a feature of \(label)", keys: Self.servedKeys),
                    let node = required(section, "name", "add `name: ...`, the feature; or write the name alone")
                else { continue }
                said = section
                nameNode = node
            }
            guard let name = string(nameNode, "feature") else { continue }
            guard seen.insert(name).inserted else {
                fault(nameNode.place, "\(label) names `\(name)` twice", "remove one: a vector has each feature once")
                continue
            }
            service.features.append(name)
            let type = servedType(name, nameNode.place, label, service.entity)
            if let said, let type {
                let served = readServed(said, name, type, label, service)
                if served != ServedFeature() { service.served[name] = served }
            }
        }
        let columns = service.served.values.reduce(service.features.count) { sum, served in
            guard let encoding = served.encoding, !encoding.isSparse else { return sum }
            return sum + encoding.dimension
        }
        if columns > Self.maxColumns {
            fault(
                node.place, "\(label) has \(columns) columns, at most \(Self.maxColumns) are allowed",
                "add `sparse: true` to the long vocabularies, or use `hashed`")
        }
    }

    /// The feature's type; nil when there is no such feature (and then that is told), or it is wrong itself.
    private func servedType(_ name: String, _ place: SourcePlace, _ label: String, _ entity: String) -> ValueType? {
        if entity.isEmpty { return nil }
        if let entry = features.entry(name, of: entity) { return entry.type }
        if features.mayBeBroken(name) { return nil }
        if let other = features.entities(with: name).first {
            fault(
                place, "`\(name)` is a feature of \(other), and \(label) is of \(entity)",
                "a service reads one entity: make a second service for \(other)")
        } else {
            fault(
                place, "there is no feature `\(name)`", NearestName.remedy(name, in: features.names(of: entity), what: "feature of \(entity)"))
        }
        return nil
    }

    private func readServed(_ section: Section, _ name: String, _ type: ValueType, _ label: String, _ service: ServiceDefinition) -> ServedFeature {
        ServedFeature(
            defaultValue: section["default"].flatMap { defaultValue($0, type, "`\(name)` in \(label)") },
            clip: section["clip"].flatMap { readClip($0, name, type) },
            encoding: readEncoding(section, name, type),
            fallback: section["fallback"].map { readFallback($0, name, type, label, service) } ?? [:])
    }

    // MARK: Bounds

    private func readClip(_ node: YAMLNode, _ name: String, _ type: ValueType) -> ValueClip? {
        guard type.isNumber else {
            fault(node.place, "`\(name)` is a \(type) and has no bounds", "remove `clip`: it is for numbers")
            return nil
        }
        let remedy = "write `clip: [0, 1000]`; null leaves a side open"
        guard case .list(let nodes) = node.content, nodes.count == 2 else {
            fault(node.place, "clip must be a list of two bounds, not \(node.shown)", remedy)
            return nil
        }
        let low = bound(nodes[0], name, type), high = bound(nodes[1], name, type)
        guard let low, let high else { return nil }
        if low == .null, high == .null {
            fault(node.place, "clip has no bound", remedy)
            return nil
        }
        if let order = Value.order(low, high), order > 0 {
            fault(node.place, "the lower bound of clip is above the upper one", "write the smaller one first")
            return nil
        }
        return ValueClip(low: low.isNull ? nil : low, high: high.isNull ? nil : high)
    }

    /// A bound of the feature's type, `.null` for an open side; nil when it is wrong.
    private func bound(_ node: YAMLNode, _ name: String, _ type: ValueType) -> Value? {
        if node.isNull { return .null }
        if case .scalar(let text, quoted: false) = node.content, let number = Self.number(text) {
            switch type {
            case .int: if let value = Int64(text) { return .int(value) }
            case .decimal(let scale): if let units = number.exactly(scale: scale) { return .decimal(units: units, scale: scale) }
            default: if let value = Double(text), value.isFinite { return .double(value) }
            }
        }
        let wanted =
            switch type {
            case .int, .decimal(scale: 0): "a whole number"
            case .decimal(let scale): "a number with at most \(scale) digits after the point"
            default: "a number"
            }
        fault(node.place, "a bound of `\(name)` must be \(wanted), not \(node.shown)", "write \(wanted), as the feature is; null leaves a side open")
        return nil
    }

    // MARK: Encodings

    private func readEncoding(_ section: Section, _ name: String, _ type: ValueType) -> FeatureEncoding? {
        let given = ["one_hot", "vocabulary", "hashed"].filter { section[$0] != nil }
        guard let kind = given.first, let node = section[kind] else {
            for key in ["other", "sparse"] {
                if let node = section[key] { fault(node.place, "`\(key)` says nothing by itself", "add `vocabulary: [...]`, or remove it") }
            }
            return nil
        }
        if given.count > 1 {
            fault(node.place, "`\(name)` has two encodings: \(given.joined(separator: ", "))", "keep one")
            return nil
        }
        let other = section["other"].map { bool($0, "other") } ?? false
        let isSparse = section["sparse"].map { bool($0, "sparse") } ?? false
        guard let other, let isSparse else { return nil }
        if kind == "hashed", let node = section["other"] {
            fault(node.place, "hashed has no `other`", "remove it: every word has a column")
            return nil
        }
        if kind != "vocabulary", let node = section["sparse"] {
            fault(node.place, "\(kind) has no `sparse`", "remove it: hashed is always sparse, one_hot never is")
            return nil
        }
        let encoding: FeatureEncoding
        if kind == "hashed" {
            guard let dimension = integer(node, "hashed", in: 1...FeatureEncoding.maxDimension) else { return nil }
            encoding = .hashed(dimension: dimension)
        } else {
            guard let words = readWords(node, kind, hasOther: other) else { return nil }
            encoding = kind == "one_hot" ? .oneHot(words, other: other) : .vocabulary(words, other: other, isSparse: isSparse)
        }
        guard encoding.takes(type) else {
            fault(node.place, "`\(name)` is a \(type), which \(kind) does not take", Self.remedy(forEncoding: kind, of: type))
            return nil
        }
        return encoding
    }

    private static func remedy(forEncoding kind: String, of type: ValueType) -> String {
        switch type {
        case .map, .ranking: "use `vocabulary: [...]` or `hashed: 1024`"
        case .string, .int, .list(.string), .list(.int): "use `one_hot: [...]` or `hashed: 1024`"
        default: "remove it: numbers and vectors are columns as they are"
        }
    }

    private func readWords(_ node: YAMLNode, _ kind: String, hasOther: Bool) -> [String]? {
        guard let nodes = list(node, kind, remedy: "write `\(kind): [shoes, bags]`") else { return nil }
        guard (1...FeatureEncoding.maxWords).contains(nodes.count) else {
            fault(node.place, "\(kind) has \(nodes.count) words, 1 to \(FeatureEncoding.maxWords) are allowed", "name the words, or use `hashed`")
            return nil
        }
        var words: [String] = []
        for node in nodes {
            guard case .scalar(let word, _) = node.content, !node.isNull else {
                fault(node.place, "a word of \(kind) must be a string, not \(node.shown)", "write the words of the vocabulary")
                return nil
            }
            if words.contains(word) {
                fault(node.place, "\(kind) has `\(word)` twice", "remove one: each word has one column")
                return nil
            }
            if hasOther, word == FeatureEncoding.otherWord {
                fault(node.place, "`\(word)` is the column of all other words", "remove it, or `other: true`")
                return nil
            }
            words.append(word)
        }
        return words
    }
}
