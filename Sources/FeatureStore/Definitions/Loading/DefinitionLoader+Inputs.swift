/// `inputs:`, what comes with requests.
extension DefinitionLoader {
    private static let inputTypes: [(name: String, type: ValueType)] = [
        ("string", .string), ("bool", .bool), ("int64", .int), ("decimal", .decimal(scale: 6)), ("double", .double),
    ]

    /// Views come before: an input has the name of no feature. Each is then known to derived features and services of every entity.
    func readInputs(_ node: YAMLNode?) {
        guard let node, let entries = entries(node, "inputs") else { return }
        for entry in entries {
            guard isName(entry.key, "input name", entry.keyPlace) else { continue }
            if let entity = features.entities(with: entry.key).first {
                fault(entry.keyPlace, "`\(entry.key)` is a feature of \(entity)", "give the input another name")
                continue
            }
            let input = readInput(entry)
            for entity in entities { features.add(entry.key, .init(entity: entity.name, type: input?.type, place: entry.keyPlace)) }
            if let input { inputs.append(input) }
        }
    }

    private func readInput(_ entry: YAMLNode.Entry) -> InputDefinition? {
        if case .scalar = entry.value.content { return inputType(entry.value, nil).map { InputDefinition(name: entry.key, type: $0) } }
        let label = "input `\(entry.key)`"
        guard let section = section(entry.value, label, keys: ["type", "scale", "default", "description"]),
            let node = required(section, "type", "one of: \(Self.inputTypes.map(\.name).joined(separator: ", "))"),
            let type = inputType(node, section["scale"])
        else { return nil }
        return InputDefinition(
            name: entry.key, type: type, defaultValue: section["default"].flatMap { defaultValue($0, type, label) },
            description: text(section["description"], "description"))
    }

    private func inputType(_ node: YAMLNode, _ scale: YAMLNode?) -> ValueType? {
        let known = Self.inputTypes.map(\.name)
        guard case .scalar(let text, _) = node.content, let type = Self.inputTypes.first(where: { $0.name == text })?.type else {
            let near = { if case .scalar(let text, _) = node.content { NearestName.of(text, in: known) } else { nil as String? } }()
            fault(
                node.place, "an input's type cannot be \(node.shown)",
                (near.map { "did you mean `\($0)`? " } ?? "") + "one of: \(known.joined(separator: ", "))")
            return nil
        }
        guard let scale else { return type }
        guard case .decimal = type else {
            fault(scale.place, "only decimals have a scale", "remove `scale`, or use the type decimal")
            return nil
        }
        return integer(scale, "scale", in: 0...9, remedy: "use 0...9 digits after the point").map { .decimal(scale: $0) }
    }
}
