extension Definitions {
    /// Non-empty tiles that a typical customer has in each view with sliding windows, for the estimate of a row.
    public static let typicalTilesPerView = 40

    /// What the definitions amount to, for people: streams, then each view's features with type, window, hop and error bound, then derived
    /// features and services.
    ///
    /// - Parameter bytes: What a view costs in a row. Nil leaves the bytes out. The engine knows; the definitions do not.
    public func describe(bytes: (ViewDefinition) -> ViewBytes? = { _ in nil }) -> String {
        var lines = ["\(name): \(count(streams.count, "stream")), \(count(views.count, "view")), \(count(featureCount, "feature")), \(count(services.count, "service"))", ""]
        lines += describeStreams()
        for view in views { lines += describe(view, bytes(view)) }
        lines += describeRows(bytes)
        lines += describeInputs()
        lines += describeDerived()
        lines += describeClassifications()
        lines += describeServices()
        lines += describeVectors()
        while lines.last == "" { lines.removeLast() }
        return lines.joined(separator: "\n") + "\n"
    }

    private var featureCount: Int { views.reduce(derived.count) { $0 + $1.features.count } }

    private func count(_ n: Int, _ noun: String) -> String { "\(n) \(noun)\(n == 1 ? "" : "s")" }

    private func describeStreams() -> [String] {
        var table = TextTable(["STREAM", "TOPIC", "FORMAT", "KEY", "TIME", "DUPLICATES", "LATENESS", "PARTITIONER", "DEAD LETTERS"])
        for stream in streams {
            let format =
                switch stream.format {
                case .json: "json"
                case .protobuf(let format): "protobuf (\(format.framing.rawValue)) \(format.message)"
                }
            table.add(
                stream.name, stream.topic, format, stream.keys.map { "\($0.entity) = \($0.path)" }.joined(separator: ", "),
                "\(stream.time.path.map { "\($0) " } ?? "")(\(stream.time.format.rawValue))",
                stream.idPath.map { "by \($0)" } ?? "not detected",
                stream.idPath == nil ? "any kept tile" : DurationText.format(stream.allowedLateness),
                stream.partitioned ? stream.partitioner.rawValue : "none", stream.deadLetterTopic ?? "counted only")
        }
        return table.lines(indent: "") + [""]
    }

    private func describe(_ view: ViewDefinition, _ bytes: ViewBytes?) -> [String] {
        var title = "view \(view.name): \(view.entity) over \(view.stream)"
        if let filter = view.filter { title += ", where \(filter)" }
        if view.history > 0 { title += ", history \(DurationText.format(view.history))" }
        title += describeKept(view, bytes)
        var table = TextTable(["FEATURE", "TYPE", "AGGREGATION", "WINDOW", "HOP", "BOUND", "DEFAULT"], rightAligned: [3, 4])
        guard let stream = streams.first(where: { $0.name == view.stream }) else { return [title, ""] }
        for feature in view.features {
            let type = Self.featureType(of: feature, in: stream).description
            let window = FeatureCatalogue.WindowFacts(feature, keepsEvents: view.keepsEvents)
            table.add(
                feature.name, type, feature.aggregation.description, window.name, window.hop.map(DurationText.format) ?? "-", window.bound,
                feature.defaultValue.map(Self.text) ?? "-")
        }
        return [title] + table.lines(indent: "  ") + [""]
    }

    /// The length as the feature's name has it (24h, not 1d), where it does.
    static func written(_ length: Microseconds, in name: String) -> String {
        let suffix = String(name.split(separator: "_").last ?? "")
        return DurationText.parse(suffix) == length ? suffix : DurationText.format(length)
    }

    /// How much longer than asked for a window may be: up to one hop.
    static func bound(length: Microseconds, hop: Microseconds) -> String {
        // Rounded up to a tenth of a percent, so that the bound is one.
        let tenths = (hop * 1000 + length - 1) / length
        return "≤ \(tenths / 10).\(tenths % 10) % longer"
    }

    private func describeRows(_ bytes: (ViewDefinition) -> ViewBytes?) -> [String] {
        var lines: [String] = []
        for entity in entities {
            let own = views.filter { $0.entity == entity.name }
            var row = 0, isKnown = false
            for view in own {
                guard let size = bytes(view) else { continue }
                if let event = size.event {
                    row += event * Self.typicalEventsPerView + (size.attributedEvent ?? 0) * Self.typicalEventsPerView
                    isKnown = true
                    continue
                }
                let hasSliding = view.features.contains { $0.window != .lifetime }
                let hasLifetime = view.features.contains { $0.window == .lifetime }
                row += size.tile * ((hasSliding ? Self.typicalTilesPerView : 0) + (hasLifetime ? 1 : 0)) + size.sequence
                isKnown = true
            }
            guard isKnown else { continue }
            lines.append(
                "row of a \(entity.name) with \(Self.typicalTilesPerView) non-empty tiles in each of \(count(own.count, "view")) (lifetime: 1\(own.contains(where: \.keepsEvents) ? "; views that keep events: \(Self.typicalEventsPerView) events" : "")): about \(row) bytes")
        }
        return lines.isEmpty ? [] : lines + [""]
    }

    private func describeDerived() -> [String] {
        guard !derived.isEmpty else { return [] }
        var table = TextTable(["DERIVED", "ENTITY", "TYPE", "DEFAULT", "EXPRESSION"])
        var types: [String: [String: ValueType]] = [:]
        for entity in entities { for input in inputs { types[entity.name, default: [:]][input.name] = input.type } }
        for view in views {
            guard let stream = streams.first(where: { $0.name == view.stream }) else { continue }
            for feature in view.features { types[view.entity, default: [:]][feature.name] = Self.featureType(of: feature, in: stream) }
        }
        for feature in derived {
            let type = (try? Derivation.compile(feature.expression, inputs: { types[feature.entity]?[$0] }))?.type
            if let type { types[feature.entity, default: [:]][feature.name] = type }
            let expression = feature.expression.split { $0.isWhitespace }.joined(separator: " ")
            table.add(feature.name, feature.entity, type.map(\.description) ?? "?", feature.defaultValue.map(Self.text) ?? "-", expression)
        }
        return table.lines(indent: "") + [""]
    }

    private func describeServices() -> [String] {
        guard !services.isEmpty else { return [] }
        var table = TextTable(["SERVICE", "VERSION", "ENTITY", "FEATURES", "MAX STALENESS", "DESCRIPTION"], rightAligned: [1, 3])
        for service in services {
            table.add(
                service.name, "\(service.version)", service.entity, "\(service.features.count)",
                service.maxStaleness.map(DurationText.format) ?? "-", service.description)
        }
        return table.lines(indent: "") + [""]
    }

    static func text(_ value: Value) -> String {
        switch value {
        case .null: return "null"
        case .bool(let value): return "\(value)"
        case .int(let value): return "\(value)"
        case .double(let value): return "\(value)"
        case .string(let value): return "\"\(value)\""
        case .list(let values): return "[" + values.map(text).joined(separator: ", ") + "]"
        case .map(let entries): return "{" + entries.map { "\($0.key): \(text($0.value))" }.joined(separator: ", ") + "}"
        case .decimal(let units, let scale):
            let digits = String(units.magnitude)
            let padded = String(repeating: "0", count: Swift.max(0, scale + 1 - digits.count)) + digits
            let point = scale > 0 ? "." + padded.suffix(scale) : ""
            return (units < 0 ? "-" : "") + padded.dropLast(Swift.max(0, scale)) + point
        }
    }
}

extension Aggregation: CustomStringConvertible {
    /// As a call: `sum(price)`, `last_n(page, 10, distinct)`.
    public var description: String {
        switch self {
        case .count(nil): "count"
        case .count(let field?): "count(\(field))"
        case .sum(let field): "sum(\(field))"
        case .mean(let field): "mean(\(field))"
        case .min(let field): "min(\(field))"
        case .max(let field): "max(\(field))"
        case .first(let field): "first(\(field))"
        case .last(let field): "last(\(field))"
        case .lastN(let field, let n, let distinct): "last_n(\(field), \(n)\(distinct ? ", distinct" : ""))"
        case .distinctCount(let field): "distinct_count(\(field))"
        case .countBy(let by, let maxKeys): "count by \(by) (≤ \(maxKeys) keys)"
        case .sumBy(let field, let by, let maxKeys): "sum(\(field)) by \(by) (≤ \(maxKeys) keys)"
        case .timeSinceLast: "time_since_last"
        case .timeSinceFirst: "time_since_first"
        case .deviation(let field): "stddev(\(field))"
        case .percentile(let field, let percent, let accuracy, _):
            "percentile(\(field), \(Self.written(percent, digits: 3)) %) ± \(Self.written(accuracy, digits: 2)) %"
        case .topK(let field, let k, let maxKeys): "top_k(\(field), \(k)) (≤ \(maxKeys) keys)"
        case .decayedCount(let field, let halfLife): "decayed_count(\(field.map { "\($0), " } ?? "")half-life \(DurationText.format(halfLife)))"
        case .decayedSum(let field, let halfLife): "decayed_sum(\(field), half-life \(DurationText.format(halfLife)))"
        case .sessionCount(let gap): "session_count(gap \(DurationText.format(gap)))"
        case .sessionLength(let gap): "session_length(gap \(DurationText.format(gap)))"
        case .bounceRate(let gap): "bounce_rate(gap \(DurationText.format(gap)))"
        case .streak: "streak"
        case .conversion: "conversion"
        }
    }

    /// A fixed-point number without zeros at its end.
    static func written(_ units: Int, digits: Int) -> String {
        let power = (0..<digits).reduce(1) { power, _ in power * 10 }
        var text = "\(units / power)"
        let rest = String(units % power)
        if units % power != 0 { text += "." + String(repeating: "0", count: digits - rest.count) + rest }
        while text.contains("."), text.hasSuffix("0") { text.removeLast() }
        return text
    }
}
