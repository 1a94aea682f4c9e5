/// One entry of a view's `features:`.
extension DefinitionLoader {
    /// What an aggregation reads, and which keys say so.
    private struct Shape {
        enum FieldNeed { case none, optional, any, number }
        var field: FieldNeed
        var keys: [String] = []
        var needsBy = false
    }
    private static let shapes: [(name: String, shape: Shape)] = [
        ("count", Shape(field: .optional)),
        ("sum", Shape(field: .number)),
        ("mean", Shape(field: .number)),
        ("min", Shape(field: .number)),
        ("max", Shape(field: .number)),
        ("first", Shape(field: .any)),
        ("last", Shape(field: .any)),
        ("last_n", Shape(field: .any, keys: ["n", "distinct"])),
        ("distinct_count", Shape(field: .any)),
        ("count_by", Shape(field: .none, keys: ["by", "max_keys"], needsBy: true)),
        ("sum_by", Shape(field: .number, keys: ["by", "max_keys"], needsBy: true)),
        ("time_since_last", Shape(field: .none)),
    ]
    private static let commonKeys = ["aggregation", "windows", "default", "ttl", "description"]

    /// The features that one entry makes, one per window. Names are entered in `features` even when something is wrong.
    func readFeature(
        _ entry: YAMLNode.Entry, entity: String?, stream: ParsedStream?, inherited: [ParsedWindow]??, used: inout [ParsedWindow]
    ) -> [FeatureDefinition] {
        let label = "feature `\(entry.key)`"
        guard isName(entry.key, "feature name", entry.keyPlace),
            let section = section(entry.value, label, keys: Self.commonKeys + ["field", "by", "n", "distinct", "max_keys"])
        else {
            features.addBroken(prefix: entry.key)
            return []
        }
        let aggregation = readAggregation(section, label, stream)
        var template = FeatureDefinition(name: entry.key, aggregation: aggregation ?? .timeSinceLast, window: .lifetime)
        let type = aggregation.flatMap { aggregation in stream.map { Definitions.featureType(of: template, in: $0.definition) } }
        if let node = section["default"], let type { template.defaultValue = defaultValue(node, type, label) }
        if let node = section["ttl"] { template.ttl = duration(node, "ttl", in: .seconds(1) ... .days(36_500)) }
        template.description = text(section["description"], "description")

        let own = section["windows"].map { readWindows($0, label) }
        if own == nil, inherited == nil {
            fault(entry.keyPlace, "\(label) has no windows", "add `windows: [5m, 1h, 24h]` to it or to its view")
        }
        guard let windows = (own ?? inherited) ?? nil else {
            features.addBroken(prefix: entry.key)
            return []
        }
        used += windows
        guard let entity else {
            features.addBroken(prefix: entry.key)
            return []
        }
        var result: [FeatureDefinition] = []
        for window in windows {
            var feature = template
            feature.name = "\(entry.key)_\(window.name)"
            feature.window = window.window
            if let before = features.entry(feature.name, of: entity) {
                fault(
                    entry.keyPlace, "the feature `\(feature.name)` of \(entity) is defined twice",
                    "rename one; the other is on line \(before.place.line)")
                continue
            }
            features.add(feature.name, .init(entity: entity, type: type, place: entry.keyPlace))
            result.append(feature)
        }
        return aggregation == nil ? [] : result
    }

    private func readAggregation(_ section: Section, _ label: String, _ stream: ParsedStream?) -> Aggregation? {
        let names = Self.shapes.map(\.name)
        guard let node = required(section, "aggregation", "one of: \(names.joined(separator: ", "))"),
            let name = string(node, "aggregation")
        else { return nil }
        guard let shape = Self.shapes.first(where: { $0.name == name })?.shape else {
            fault(node.place, "there is no aggregation `\(name)`", Self.remedy(forAggregation: name, names))
            return nil
        }
        for key in ["n", "distinct", "by", "max_keys"] where !shape.keys.contains(key) {
            if let node = section[key] {
                let users = Self.shapes.filter { $0.shape.keys.contains(key) }.map(\.name).joined(separator: " and ")
                fault(node.place, "\(name) has no `\(key)`", "remove it; `\(key)` is for \(users)")
            }
        }
        guard let field = readField(section, name, shape, label, stream) else { return nil }
        let by = shape.needsBy ? readBy(section, name, label, stream) : ""
        let maxKeys = shape.keys.contains("max_keys") ? section["max_keys"].map { integer($0, "max_keys", in: 1...4096) } ?? 64 : 0
        guard let by, let maxKeys else { return nil }
        switch name {
        case "count": return .count(field: field.isEmpty ? nil : field)
        case "sum": return .sum(field: field)
        case "mean": return .mean(field: field)
        case "min": return .min(field: field)
        case "max": return .max(field: field)
        case "first": return .first(field: field)
        case "last": return .last(field: field)
        case "distinct_count": return .distinctCount(field: field)
        case "count_by": return .countBy(by: by, maxKeys: maxKeys)
        case "sum_by": return .sumBy(field: field, by: by, maxKeys: maxKeys)
        case "last_n":
            let n = required(section, "n", "add `n: 10`, how many to keep").flatMap { integer($0, "n", in: 1...1000) }
            let distinct = section["distinct"].map { bool($0, "distinct") } ?? false
            guard let n, let distinct else { return nil }
            return .lastN(field: field, n: n, distinct: distinct)
        default: return .timeSinceLast
        }
    }

    private static func remedy(forAggregation name: String, _ names: [String]) -> String {
        let synonyms = [
            "avg": "mean", "average": "mean", "mode": "count_by", "unique": "distinct_count", "count_distinct": "distinct_count",
            "nunique": "distinct_count", "latest": "last", "newest": "last", "oldest": "first", "recency": "time_since_last",
            "total": "sum", "top_k": "count_by",
        ]
        let near = synonyms[name] ?? NearestName.of(name, in: names)
        return (near.map { "did you mean `\($0)`? " } ?? "") + "one of: \(names.joined(separator: ", "))"
    }

    /// Nil when it is wrong; empty when the aggregation has none.
    private func readField(_ section: Section, _ name: String, _ shape: Shape, _ label: String, _ stream: ParsedStream?) -> String? {
        if shape.field == .none {
            guard let node = section["field"] else { return "" }
            fault(node.place, "\(name) has no `field`", name == "count_by" ? "remove it: count_by counts events; to add up a field use sum_by" : "remove it")
            return nil
        }
        guard let node = shape.field == .optional ? section["field"] : required(section, "field", "add `field: ...`, one of the stream's fields")
        else { return shape.field == .optional ? "" : nil }
        guard let field = knownField(node, "field", stream) else { return nil }
        if shape.field == .number, let type = stream?.definition.fields.first(where: { $0.name == field })?.type, !type.isNumber {
            let remedy = type == .bool ? "count the events that have it, with `where: \(field)` in a view" : "use count, last, last_n, distinct_count or count_by, or map `\(field)` as int64 or decimal"
            fault(node.place, "\(name) needs a number, and `\(field)` is a \(type == .bool ? "bool" : "string")", remedy)
            return nil
        }
        return field
    }

    private func readBy(_ section: Section, _ name: String, _ label: String, _ stream: ParsedStream?) -> String? {
        guard let node = required(section, "by", "add `by: category`, the field whose values are the keys"),
            let by = knownField(node, "by", stream)
        else { return nil }
        if case .decimal? = stream?.definition.fields.first(where: { $0.name == by })?.type {
            fault(node.place, "`by` needs a string, an int64 or a bool, and `\(by)` is a decimal", "group by a field with few values, such as a category")
            return nil
        }
        return by
    }

    private func knownField(_ node: YAMLNode, _ label: String, _ stream: ParsedStream?) -> String? {
        guard let name = string(node, label), let stream else { return nil }
        if stream.broken.contains(name) { return nil }
        let names = stream.definition.fields.map(\.name)
        if names.contains(name) { return name }
        fault(
            node.place, "stream `\(stream.definition.name)` has no field `\(name)`",
            NearestName.remedy(name, in: names, what: "field in this stream; add it under `fields:`"))
        return nil
    }
}

extension FieldType {
    var isNumber: Bool {
        switch self {
        case .int64, .decimal: true
        case .string, .bool: false
        }
    }
}
