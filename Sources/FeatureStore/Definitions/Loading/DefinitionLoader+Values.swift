/// A mapping whose keys were checked.
struct Section {
    /// As messages name it: "stream `clicks`".
    let label: String
    let place: SourcePlace
    var entries: [String: YAMLNode]

    subscript(key: String) -> YAMLNode? {
        guard let node = entries[key], !node.isNull else { return nil }
        return node
    }
}

/// Single values: each reader gives the value or takes down why there is none.
extension DefinitionLoader {
    // MARK: Structure

    /// A mapping with these keys and no others. A misspelt key is a fault, and is read as the one that was probably meant, so that
    /// nothing else is wrong because of it.
    func section(_ node: YAMLNode, _ label: String, keys: [String]) -> Section? {
        guard let entries = entries(node, label) else { return nil }
        var section = Section(label: label, place: node.place, entries: [:])
        var misspelt: [String: YAMLNode] = [:]
        for entry in entries {
            if keys.contains(entry.key) {
                section.entries[entry.key] = entry.value
            } else if entry.value.isNull, entries.contains(where: \.value.isCutAtComma) {
                // The rest of an expression without quotes, whose own fault says so.
                continue
            } else {
                let remedy = entry.key == "<<" ? "merge keys are not supported: repeat the keys" : NearestName.remedy(entry.key, in: keys, what: "key")
                fault(entry.keyPlace, "\(label) has no key `\(entry.key)`", remedy)
                if let meant = NearestName.of(entry.key, in: keys) { misspelt[meant] = entry.value }
            }
        }
        section.entries.merge(misspelt) { given, _ in given }
        return section
    }

    /// A mapping with keys that the user chose.
    func entries(_ node: YAMLNode, _ label: String) -> [YAMLNode.Entry]? {
        if node.isNull { return [] }
        guard case .mapping(let entries) = node.content else {
            fault(node.place, "\(label) must be a mapping, not \(node.shown)", "write `key: value` lines below it, indented")
            return nil
        }
        return entries
    }

    func required(_ section: Section, _ key: String, _ remedy: String) -> YAMLNode? {
        if let node = section[key] { return node }
        fault(section.entries[key]?.place ?? section.place, "\(section.label) has no `\(key)`", remedy)
        return nil
    }

    func list(_ node: YAMLNode, _ label: String, remedy: String) -> [YAMLNode]? {
        guard case .list(let list) = node.content else {
            fault(node.place, "\(label) must be a list, not \(node.shown)", remedy)
            return nil
        }
        return list
    }

    // MARK: Scalars

    /// Any scalar, as it is written.
    func string(_ node: YAMLNode, _ label: String) -> String? {
        guard case .scalar(let text, _) = node.content, !node.isNull else {
            fault(node.place, "\(label) must be a string, not \(node.shown)", "write `\(label): text`")
            return nil
        }
        guard !text.isEmpty else {
            fault(node.place, "\(label) is empty", "give it a value, or leave it out")
            return nil
        }
        return text
    }

    func text(_ node: YAMLNode?, _ label: String) -> String { node.flatMap { string($0, label) } ?? "" }

    func integer(_ node: YAMLNode, _ label: String, in range: ClosedRange<Int>, remedy: String? = nil) -> Int? {
        let remedy = remedy ?? "write a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard case .scalar(let text, quoted: false) = node.content, let value = Int(text) else {
            fault(node.place, "\(label) must be a whole number, not \(node.shown)", remedy)
            return nil
        }
        guard range.contains(value) else {
            fault(node.place, "\(label) is \(value), outside \(range.lowerBound)...\(range.upperBound)", remedy)
            return nil
        }
        return value
    }

    func bool(_ node: YAMLNode, _ label: String) -> Bool? {
        if case .scalar(let text, quoted: false) = node.content {
            if text == "true" { return true }
            if text == "false" { return false }
        }
        fault(node.place, "\(label) must be true or false, not \(node.shown)", "write `\(label): true` or `\(label): false`")
        return nil
    }

    /// One of the raw values of an enumeration.
    func choice<Choice: RawRepresentable & CaseIterable>(_ node: YAMLNode, _ label: String, _: Choice.Type) -> Choice?
    where Choice.RawValue == String {
        let known = Choice.allCases.map(\.rawValue)
        guard case .scalar(let text, _) = node.content, let choice = Choice(rawValue: text) else {
            let near = { if case .scalar(let text, _) = node.content { NearestName.of(text, in: known) } else { nil as String? } }()
            fault(
                node.place, "\(label) cannot be \(node.shown)",
                (near.map { "did you mean `\($0)`? " } ?? "") + "one of: \(known.joined(separator: ", "))")
            return nil
        }
        return choice
    }

    /// A name of ours: lower case, so that it reads the same in YAML, URLs, metrics and column names.
    func name(_ node: YAMLNode, _ label: String) -> String? {
        guard let text = string(node, label) else { return nil }
        return isName(text, label, node.place) ? text : nil
    }

    func isName(_ text: String, _ label: String, _ place: SourcePlace) -> Bool {
        let scalars = Array(text.utf8)
        func isLower(_ c: UInt8) -> Bool { c >= 0x61 && c <= 0x7a }
        let fits = scalars.count <= 100 && (scalars.first.map(isLower) ?? false)
            && scalars.allSatisfy { isLower($0) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x5f }
        guard fits else {
            fault(place, "`\(text)` is not a valid \(label)", "use a-z, 0-9 and _, beginning with a letter, at most 100 characters")
            return false
        }
        guard !Token.words.contains(text) else {
            fault(place, "`\(text)` is a word of the expression language, not a valid \(label)", "choose another name")
            return false
        }
        return true
    }

    /// `5s`, `15m`, `24h`, `7d`.
    func duration(_ node: YAMLNode, _ label: String, in range: ClosedRange<Microseconds>) -> Microseconds? {
        guard case .scalar(let text, _) = node.content, let value = DurationText.parse(text) else {
            var remedy = "write a whole number and a unit, such as 5s, 15s, 5m, 1h, 24h or 7d"
            if case .scalar(let text, quoted: false) = node.content, let suggestion = DurationText.suggestion(for: text) {
                remedy = "write `\(suggestion)`: a whole number and one of s, m, h, d"
            }
            fault(node.place, "\(label) must be a duration, not \(node.shown)", remedy)
            return nil
        }
        guard range.contains(value) else {
            let bounds = "\(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound))"
            fault(node.place, "\(label) is \(scalarText(node)), outside \(bounds)", "use a duration from \(bounds)")
            return nil
        }
        return value
    }

    private func scalarText(_ node: YAMLNode) -> String { if case .scalar(let text, _) = node.content { text } else { "" } }

    /// `512KiB`, `64MiB`, `1TiB`, or bytes.
    func size(_ node: YAMLNode, _ label: String, in range: ClosedRange<Int>) -> Int? {
        let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)]
        guard case .scalar(let text, _) = node.content else {
            fault(node.place, "\(label) must be a size, not \(node.shown)", "write a whole number and a unit, such as 64MiB")
            return nil
        }
        let unit = units.first { text.hasSuffix($0.0) }
        guard let count = Int(text.dropLast(unit?.0.count ?? 0)), count >= 0 else {
            fault(node.place, "\(label) must be a size, not \(node.shown)", "write a whole number and one of B, KiB, MiB, GiB, TiB, such as 64MiB")
            return nil
        }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: 1 << (unit?.1 ?? 0))
        guard !overflow, range.contains(bytes) else {
            fault(
                node.place, "\(label) is \(text), outside \(range.lowerBound)...\(range.upperBound) bytes",
                "use a size within these bounds, such as 64MiB")
            return nil
        }
        return bytes
    }

    /// `host:port`; an IPv6 address in brackets.
    func address(_ node: YAMLNode, _ label: String) -> (host: String, port: Int)? {
        let remedy = "write host:port, such as 127.0.0.1:8080 or [::1]:8080"
        guard let text = string(node, label) else { return nil }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), colon > text.startIndex else {
            fault(node.place, "\(label) must be an address, not `\(text)`", remedy)
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            fault(node.place, "\(label) must be an address, not `\(text)`", remedy)
            return nil
        }
        return (String(host), Int(port))
    }

    /// Names from the event's root, `product.category`.
    func path(_ node: YAMLNode, _ label: String) -> FieldPath? {
        guard let text = string(node, label) else { return nil }
        let path = FieldPath(text)
        guard !path.parts.contains(""), path.parts.count <= 16 else {
            fault(node.place, "\(label) `\(text)` is not a path", "write the names from the event's root with dots between, at most 16: product.category")
            return nil
        }
        return path
    }
}
