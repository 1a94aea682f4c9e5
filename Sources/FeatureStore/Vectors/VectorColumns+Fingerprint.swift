internal import JSONBytes

extension VectorColumns.Part {
    /// The part's line of the fingerprint: name, type, and whatever else decides what its columns hold.
    func line(_ said: ServedFeature?) -> String {
        var line = "\(name):\(type)"
        switch kind {
        case .number: break
        case .vector: line += "[\(dimension)]"
        case .encoded(.oneHot(let words, let other)): line += " one_hot=\(Self.json(words))" + (other ? " other" : "")
        case .encoded(.vocabulary(let words, let other, let isSparse)):
            line += " vocabulary=\(Self.json(words))" + (other ? " other" : "") + (isSparse ? " sparse" : "")
        case .encoded(.hashed(let dimension)): line += " hashed=\(dimension)"
        }
        if let value = said?.defaultValue { line += " default=\(value.json)" }
        if let clip = said?.clip { line += " clip=\(Value.list([clip.low ?? .null, clip.high ?? .null]).json)" }
        if let sources = said?.fallback, !sources.isEmpty {
            line += " fallback=\(Value.map(sources.keys.sorted().map { .init(key: $0, value: .string(sources[$0] ?? "")) }).json)"
        }
        return line + "\n"
    }

    private static func json(_ words: [String]) -> String { Value.list(words.map { .string($0) }).json }
}

extension Value {
    /// As answers in JSON have it.
    package var json: String {
        var json = JSONWriter()
        json.value(self)
        return json.text
    }
}
