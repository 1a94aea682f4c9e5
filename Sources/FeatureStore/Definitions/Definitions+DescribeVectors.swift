extension Definitions {
    /// What requests bring with them.
    func describeInputs() -> [String] {
        guard !inputs.isEmpty else { return [] }
        var table = TextTable(["INPUT", "TYPE", "DEFAULT", "DESCRIPTION"])
        for input in inputs { table.add(input.name, "\(input.type)", input.defaultValue.map(Self.text) ?? "-", input.description) }
        return table.lines(indent: "") + [""]
    }

    /// What each service's vector is for a model: which columns each feature has, and what the service does to its values.
    func describeVectors() -> [String] {
        let store = Store(self)
        return services.flatMap { service -> [String] in
            guard let columns = try? store.plan(service: service.name).columns else { return [] }
            func count(_ n: Int, _ what: String) -> String { "\(n) \(what)\(n == 1 ? "" : "s")" }
            var title = "vector of \(service.name): \(count(columns.dense, "column"))"
            if columns.sparse > 0 { title += ", \(count(columns.sparse, "sparse column"))" }
            title += ", schema \(hexadecimal(columns.fingerprint))"
            var table = TextTable(["FEATURE", "TYPE", "OFFSET", "DIMENSION", "COLUMNS", "DEFAULT", "CLIP"], rightAligned: [2, 3])
            for part in columns.parts {
                let said = service.served[part.name]
                let open = { (bound: Value?) in bound.map(Self.text) ?? "" }
                table.add(
                    part.name, "\(part.type)", "\(part.isSparse ? "sparse " : "")\(part.offset)", "\(part.dimension)", Self.text(part),
                    said?.defaultValue.map(Self.text) ?? "-", said?.clip.map { "\(open($0.low)) .. \(open($0.high))" } ?? "-")
            }
            var lines = [title] + table.lines(indent: "  ")
            if !columns.others.isEmpty {
                lines.append("  without columns: \(columns.others.map { "\($0.name) (\($0.type))" }.joined(separator: ", "))")
            }
            for level in service.fallback {
                lines.append("  falls back to \(level.name): \(level.entity)\(level.key.map { " by \($0)" } ?? ", a singleton")")
            }
            if let deadline = service.deadline { lines.append("  answers after \(deadline / 1000) ms with what it has") }
            return lines + [""]
        }
    }

    /// A long vocabulary is cut.
    private static func text(_ part: VectorColumns.Part) -> String {
        func list(_ words: [String], _ other: Bool) -> String {
            let shown = words.prefix(8).joined(separator: ", ") + (words.count > 8 ? ", ..." : "")
            return "[\(shown)]\(other ? " and others" : "")"
        }
        switch part.kind {
        case .number: return "-"
        case .vector: return "its elements"
        case .encoded(.oneHot(let words, let other)): return "one-hot \(list(words, other))"
        case .encoded(.vocabulary(let words, let other, _)): return "vocabulary \(list(words, other))"
        case .encoded(.hashed): return "hashed words"
        }
    }
}
