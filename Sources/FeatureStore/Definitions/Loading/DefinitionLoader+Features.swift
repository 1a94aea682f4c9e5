/// One entry of a view's `features:`.
extension DefinitionLoader {
    /// What an aggregation reads, and which keys say so.
    private struct Shape {
        enum FieldNeed { case none, optional, any, number, key }
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
        ("time_since_first", Shape(field: .none)),
        ("stddev", Shape(field: .number)),
        ("percentile", Shape(field: .number, keys: ["percent", "accuracy", "max_buckets"])),
        ("top_k", Shape(field: .key, keys: ["k", "max_keys"])),
        ("decayed_count", Shape(field: .optional, keys: ["half_life"])),
        ("decayed_sum", Shape(field: .number, keys: ["half_life"])),
        ("session_count", Shape(field: .none, keys: ["gap"])),
        ("session_length", Shape(field: .none, keys: ["gap"])),
        ("bounce_rate", Shape(field: .none, keys: ["gap"])),
        ("streak", Shape(field: .none)),
        ("conversion", Shape(field: .none)),
    ]
    private static let optionKeys = ["n", "distinct", "by", "max_keys", "percent", "accuracy", "max_buckets", "k", "half_life", "gap"]
    private static let commonKeys = ["aggregation", "windows", "default", "ttl", "description"]

    /// The features that one entry makes, one per window. Names are entered in `features` even when something is wrong.
    func readFeature(
        _ entry: YAMLNode.Entry, entity: String?, stream: ParsedStream?, inherited: [ParsedWindow]??, used: inout [ParsedWindow]
    ) -> [FeatureDefinition] {
        let label = "feature `\(entry.key)`"
        guard isName(entry.key, "feature name", entry.keyPlace),
            let section = section(entry.value, label, keys: Self.commonKeys + Self.classificationKeys + ["field"] + Self.optionKeys)
        else {
            features.addBroken(prefix: entry.key)
            return []
        }
        let aggregation = readAggregation(section, label, stream)
        var template = FeatureDefinition(name: entry.key, aggregation: aggregation ?? .timeSinceLast, window: .lifetime)
        let type = aggregation.flatMap { aggregation in stream.map { Definitions.featureType(of: template, in: $0.definition) } }
        if let node = section["default"], let type { template.defaultValue = defaultValue(node, type, label) }
        if let node = section["ttl"] { template.ttl = duration(node, "ttl", in: .seconds(1) ... .days(36_500)) }
        template.classification = readClassification(section)
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
        for key in Self.optionKeys where !shape.keys.contains(key) {
            if let node = section[key] {
                let users = Self.shapes.filter { $0.shape.keys.contains(key) }.map(\.name)
                fault(node.place, "\(name) has no `\(key)`", "remove it; `\(key)` is for \(Self.listed(users))")
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
        case "stddev": return .deviation(field: field)
        case "percentile": return readPercentile(section, field)
        case "top_k":
            guard let k = required(section, "k", "add `k: 5`, how many to list").flatMap({ integer($0, "k", in: 1...100) }) else { return nil }
            return .topK(field: field, k: k, maxKeys: maxKeys)
        case "decayed_count", "decayed_sum":
            guard let node = required(section, "half_life", "add `half_life: 7d`, the age at which an event counts half"),
                let halfLife = duration(node, "half_life", in: .seconds(1) ... .days(3650))
            else { return nil }
            return name == "decayed_sum"
                ? .decayedSum(field: field, halfLife: halfLife) : .decayedCount(field: field.isEmpty ? nil : field, halfLife: halfLife)
        case "session_count", "session_length", "bounce_rate":
            guard let gap = section["gap"].map({ duration($0, "gap", in: .seconds(1) ... .days(30)) }) ?? .minutes(30) else { return nil }
            return name == "session_count" ? .sessionCount(gap: gap) : name == "session_length" ? .sessionLength(gap: gap) : .bounceRate(gap: gap)
        case "time_since_first": return .timeSinceFirst
        case "streak": return .streak
        case "conversion": return .conversion
        default: return .timeSinceLast
        }
    }

    private func readPercentile(_ section: Section, _ field: String) -> Aggregation? {
        func number(_ key: String, digits: Int, in range: ClosedRange<Int>, _ remedy: String) -> Int?? {
            guard let node = section[key] else { return .some(nil) }
            if case .scalar(let text, quoted: false) = node.content, let units = Self.number(text)?.exactly(scale: digits),
                let units = Int(exactly: units), range.contains(units)
            { return units }
            fault(node.place, "\(key) cannot be \(node.shown)", remedy)
            return .none
        }
        let maxBuckets = section["max_buckets"].map { integer($0, "max_buckets", in: 16...4096) } ?? 1024
        guard required(section, "percent", "add `percent: 95`; 50 is the median") != nil,
            let percent = number("percent", digits: 3, in: 0...100_000, "write a number from 0 to 100 with at most 3 digits after the point"),
            let accuracy = number("accuracy", digits: 4, in: 10...1000, "write the relative error as a number from 0.001 to 0.1, such as 0.01 for 1 %"),
            let percent, let maxBuckets
        else { return nil }
        return .percentile(field: field, percent: percent, accuracy: accuracy ?? 100, maxBuckets: maxBuckets)
    }

    private static func listed(_ names: [String]) -> String {
        names.count < 2 ? names.joined() : names.dropLast().joined(separator: ", ") + " and " + names[names.count - 1]
    }

    private static func remedy(forAggregation name: String, _ names: [String]) -> String {
        let synonyms = [
            "avg": "mean", "average": "mean", "mode": "top_k", "unique": "distinct_count", "count_distinct": "distinct_count",
            "nunique": "distinct_count", "latest": "last", "newest": "last", "oldest": "first", "recency": "time_since_last",
            "total": "sum", "topk": "top_k", "most_common": "top_k", "std": "stddev", "variance": "stddev", "median": "percentile",
            "quantile": "percentile", "sessions": "session_count",
        ]
        let near = synonyms[name] ?? NearestName.of(name, in: names)
        return (near.map { "did you mean `\($0)`? " } ?? "") + "one of: \(names.joined(separator: ", "))"
    }

    /// Nil when it is wrong; empty when the aggregation has none.
    private func readField(_ section: Section, _ name: String, _ shape: Shape, _ label: String, _ stream: ParsedStream?) -> String? {
        if shape.field == .none {
            guard let node = section["field"] else { return "" }
            fault(node.place, "\(name) has no `field`", name == "count_by" ? "remove it: count_by counts events; to add up a field use sum_by" : "remove it: it takes every event of the view")
            return nil
        }
        guard let node = shape.field == .optional ? section["field"] : required(section, "field", "add `field: ...`, one of the stream's fields")
        else { return shape.field == .optional ? "" : nil }
        guard let field = shape.field == .key ? knownKey(node, "field", stream) : knownField(node, "field", stream) else { return nil }
        let isVector = stream?.definition.fields.first { $0.name == field }?.type.dimension != nil
        if isVector, shape.field != .optional, name != "mean", name != "last" {
            fault(node.place, "\(name) takes no vector, and `\(field)` is one", "use mean or last")
            return nil
        }
        if shape.field == .number, !isVector, let type = stream?.definition.fields.first(where: { $0.name == field })?.type, !type.isNumber {
            let remedy = type == .bool ? "count the events that have it, with `where: \(field)` in a view" : "use count, last, last_n, distinct_count or count_by, or map `\(field)` as int64 or decimal"
            fault(node.place, "\(name) needs a number, and `\(field)` is a \(type == .bool ? "bool" : "string")", remedy)
            return nil
        }
        return field
    }

    private func readBy(_ section: Section, _ name: String, _ label: String, _ stream: ParsedStream?) -> String? {
        required(section, "by", "add `by: category`, the field whose values are the keys").flatMap { knownKey($0, "by", stream) }
    }

    /// A field whose values can be the keys of a map.
    private func knownKey(_ node: YAMLNode, _ label: String, _ stream: ParsedStream?) -> String? {
        guard let name = knownField(node, label, stream) else { return nil }
        switch stream?.definition.fields.first(where: { $0.name == name })?.type {
        case .decimal?, .vector?, .double?, .doubles?:
            fault(node.place, "`\(label)` needs a string, an int64 or a bool, and `\(name)` is a \(stream?.definition.fields.first { $0.name == name }?.type.dimension == nil ? "decimal" : "vector")", "group by a field with few values, such as a category")
            return nil
        default: return name
        }
    }

    func knownField(_ node: YAMLNode, _ label: String, _ stream: ParsedStream?) -> String? {
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
        case .string, .bool, .vector, .double, .doubles: false
        }
    }
}
