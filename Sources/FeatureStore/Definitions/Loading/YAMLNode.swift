/// A place in the definitions file, or an environment variable.
struct SourcePlace: Sendable, Equatable {
    var line: Int
    var column: Int
    /// Set when the value came from the environment.
    var variable: String?
}

/// A YAML value with its place. Anchors and aliases are resolved, keys are strings, each once.
struct YAMLNode: Sendable {
    enum Content: Sendable {
        case scalar(String, quoted: Bool)
        case list([YAMLNode])
        case mapping([Entry])
    }
    struct Entry: Sendable {
        var key: String
        var keyPlace: SourcePlace
        var value: YAMLNode
    }
    var place: SourcePlace
    var content: Content

    /// Nothing after the colon, `~` or `null`.
    var isNull: Bool {
        guard case .scalar(let text, quoted: false) = content else { return false }
        return text.isEmpty || text == "~" || text == "null"
    }

    /// Whether it looks like `max(a` of `{expression: max(a, 1)}`, where YAML takes `1)` for another key.
    var isCutAtComma: Bool {
        guard case .scalar(let text, quoted: false) = content else { return false }
        return text.reduce(0) { $0 + ($1 == "(" ? 1 : $1 == ")" ? -1 : 0) } > 0
    }

    /// As an error message names it.
    var shown: String {
        switch content {
        case .scalar(let text, let quoted): isNull ? "nothing" : quoted ? "the string \"\(text)\"" : "`\(text)`"
        case .list: "a list"
        case .mapping: "a mapping"
        }
    }
}
