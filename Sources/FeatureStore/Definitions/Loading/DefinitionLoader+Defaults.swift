/// `default:` values, which must be of the feature's type.
extension DefinitionLoader {
    func defaultValue(_ node: YAMLNode, _ type: ValueType, _ label: String) -> Value? {
        func wrong(_ remedy: String) -> Value? {
            fault(node.place, "the default of \(label) must be \(type == .int ? "an int64" : "a \(type)"), not \(node.shown)", remedy)
            return nil
        }
        switch (type, node.content) {
        case (.bool, .scalar("true", quoted: false)): return .bool(true)
        case (.bool, .scalar("false", quoted: false)): return .bool(false)
        case (.bool, _): return wrong("write true or false")
        case (.int, .scalar(let text, quoted: false)):
            return Int64(text).map(Value.int) ?? wrong("write a whole number")
        case (.double, .scalar(let text, quoted: false)):
            guard let value = Double(text), value.isFinite, Self.number(text) != nil else { return wrong("write a number, such as 0 or 0.5") }
            return .double(value)
        case (.decimal(let scale), .scalar(let text, quoted: false)):
            let remedy = scale == 0 ? "write a whole number" : "write a number with at most \(scale) digits after the point"
            guard let units = Self.number(text)?.exactly(scale: scale) else { return wrong(remedy) }
            return .decimal(units: units, scale: scale)
        case (.string, .scalar(let text, _)): return .string(text)
        case (.list(let element), .list(let nodes)):
            var values: [Value] = []
            for node in nodes {
                guard let value = defaultValue(node, element, label) else { return nil }
                values.append(value)
            }
            return .list(values)
        case (.ranking, .list(let nodes)) where nodes.isEmpty: return .list([])
        case (.ranking, _): return wrong("write an empty list, []")
        case (.list, _): return wrong("write a list, such as []")
        case (.map(let element), .mapping(let entries)):
            var values: [Value.MapEntry] = []
            for entry in entries {
                guard let value = defaultValue(entry.value, element, label) else { return nil }
                values.append(.init(key: entry.key, value: value))
            }
            return .map(values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
        case (.map, _): return wrong("write a mapping, such as {}")
        case (.int, _), (.double, _), (.decimal, _): return wrong("write a number without quotes")
        case (.string, _): return wrong("write a string")
        }
    }

    /// A number as the file writes it, exact; nil for anything else.
    static func number(_ text: String) -> Decimal128? {
        let isNegative = text.hasPrefix("-")
        guard let tokens = try? Lexer.tokens(of: String(text.dropFirst(isNegative ? 1 : 0))), tokens.count == 2,
            case .number(var value) = tokens[0].kind
        else { return nil }
        if isNegative { value.units = -value.units }
        return value
    }
}
