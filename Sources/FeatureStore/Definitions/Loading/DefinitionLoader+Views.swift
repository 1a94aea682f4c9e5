/// A window as the file writes it: its text is the suffix of the features' names.
struct ParsedWindow {
    var name: String
    var window: Window
    var place: SourcePlace
}

/// `views:` and the windows and filters in them.
extension DefinitionLoader {
    /// Different hops in one view: the levels of its timeline.
    private static let maxHops = 16
    /// Tiles that one window may span; a bound on the row.
    private static let maxTilesPerWindow: Int64 = 5_000
    /// Of some 13 bytes each.
    private static let maxSessionsPerRow: Int64 = 10_000

    func readViews(_ node: YAMLNode?) {
        guard let node, let entries = entries(node, "views") else {
            features.isIncomplete = true
            return
        }
        for entry in entries {
            guard isName(entry.key, "view name", entry.keyPlace), let view = readView(entry) else {
                features.isIncomplete = true
                continue
            }
            views.append(view)
        }
    }

    private func readView(_ entry: YAMLNode.Entry) -> ViewDefinition? {
        let label = "view `\(entry.key)`"
        let keys = [
            "entity", "stream", "where", "history", "keep", "max_events", "retractions", "attributed_to", "time_zone", "week_starts",
            "windows", "features", "description",
        ] + Self.classificationKeys
        guard let section = section(entry.value, label, keys: keys) else { return nil }
        let entity = required(section, "entity", "add `entity: customer`").flatMap { knownEntity($0) }
        let stream = required(section, "stream", "add `stream: ...`, one of: \(streams.map(\.definition.name).joined(separator: ", "))")
            .flatMap { knownStream($0) }
        var view = ViewDefinition(name: entry.key, entity: entity ?? "", stream: stream?.definition.name ?? "", features: [])
        view.classification = readClassification(section)
        if let node = section["description"] { _ = string(node, "description") }
        if let node = section["history"] { view.history = duration(node, "history", in: 0 ... .days(3650)) ?? 0 }
        if let entity, let stream, !stream.broken.contains(entity), !isSingleton(entity),
            !stream.definition.keys.contains(where: { $0.entity == entity })
        {
            fault(
                section["entity"]?.place ?? section.place, "stream `\(stream.definition.name)` has no key for the entity `\(entity)`",
                "add `\(entity): path` under `keys:` of the stream, or choose: \(stream.definition.keys.map(\.entity).joined(separator: ", "))")
        }
        if let node = section["where"] { view.filter = filter(node, stream) }
        calendar = readCalendar(section)
        if let node = section["attributed_to"] { view.attribution = readAttribution(node, of: stream, entity) }
        let windows = section["windows"].map { readWindows($0, label) }
        guard let features = required(section, "features", "add features, such as `clicks: {aggregation: count}`"),
            let list = entries(features, "features of \(label)")
        else { return nil }
        if list.isEmpty { fault(features.place, "\(label) has no features", "add one, such as `clicks: {aggregation: count}`") }
        var used: [ParsedWindow] = []
        for feature in list {
            let made = readFeature(feature, entity: entity, stream: stream, inherited: windows, used: &used)
            if made.contains(where: { $0.aggregation == .conversion }), section["attributed_to"] == nil {
                fault(
                    feature.keyPlace, "conversion needs events that are attributed, and \(label) has none",
                    "add `attributed_to: {stream: clicks, match: product, within: 7d}` to the view")
            }
            view.features += made
        }
        readKeep(section, label, used, entity, into: &view)
        checkSingleton(view, section, label)
        if !view.keepsEvents {
            checkHops(used, label)
            checkSessions(view, used, section.place, label)
        }
        guard entity != nil, stream != nil else {
            self.features.isIncomplete = true
            return nil
        }
        return view
    }

    func knownEntity(_ node: YAMLNode) -> String? {
        guard let name = string(node, "entity") else { return nil }
        if entities.contains(where: { $0.name == name }) { return name }
        fault(node.place, "there is no entity `\(name)`", NearestName.remedy(name, in: entities.map(\.name), what: "entity; add it under `entities:`"))
        return nil
    }

    func knownStream(_ node: YAMLNode) -> ParsedStream? {
        guard let name = string(node, "stream") else { return nil }
        if let stream = streams.first(where: { $0.definition.name == name }) { return stream }
        if !brokenStreams.contains(name) {
            fault(
                node.place, "there is no stream `\(name)`",
                NearestName.remedy(name, in: streams.map(\.definition.name), what: "stream; add it under `streams:`"))
        }
        return nil
    }

    func filter(_ node: YAMLNode, _ stream: ParsedStream?) -> String? {
        guard let text = string(node, "where") else { return nil }
        do {
            let tree = try ExpressionParser.parse(text)
            // A field that could not be read has its own fault.
            guard let stream, !tree.names.contains(where: { stream.broken.contains($0.name) }) else { return text }
            _ = try Filter.compile(text, fields: stream.definition.fields)
        } catch {
            fault(error, in: node, of: text)
        }
        return text
    }

    // MARK: Windows

    /// Nil when a fault leaves open which windows there are.
    func readWindows(_ node: YAMLNode, _ label: String) -> [ParsedWindow]? {
        guard let nodes = list(node, "windows", remedy: "write [5m, 1h, 24h], or [lifetime]") else { return nil }
        if nodes.isEmpty {
            fault(node.place, "\(label) has an empty list of windows", "write [5m, 1h, 24h], or [lifetime]")
            return nil
        }
        var windows: [ParsedWindow] = []
        var isComplete = true
        for node in nodes {
            guard let window = readWindow(node) else {
                isComplete = false
                continue
            }
            if windows.contains(where: { $0.name == window.name }) {
                fault(node.place, "the window \(window.name) is given twice", "keep one of the two")
                continue
            }
            windows.append(window)
        }
        return isComplete ? windows : nil
    }

    private func readWindow(_ node: YAMLNode) -> ParsedWindow? {
        let range = Microseconds.seconds(1) ... .days(400)
        if case .scalar(let text, _) = node.content {
            if text == "lifetime" { return ParsedWindow(name: text, window: .lifetime, place: node.place) }
            if let unit = CalendarWindow.Unit(rawValue: text) { return calendarWindow(unit, node.place) }
            if DurationText.parse(text) == nil, DurationText.suggestion(for: text) == nil,
                let meant = NearestName.of(text, in: CalendarWindow.Unit.allCases.map(\.rawValue) + ["lifetime"])
            {
                fault(node.place, "there is no window `\(text)`", "did you mean `\(meant)`?")
                return nil
            }
            guard let length = duration(node, "window", in: range) else { return nil }
            return check(ParsedWindow(name: text, window: .sliding(length: length, hop: Window.ladderHop(length: length)), place: node.place), isLadder: true)
        }
        guard let section = section(node, "window", keys: ["length", "hop", "exact"]),
            let lengthNode = required(section, "length", "write 1h, or {length: 1h, hop: 30s}"),
            let length = duration(lengthNode, "length", in: range), case .scalar(let name, _) = lengthNode.content
        else { return nil }
        if let node = section["exact"] {
            guard let isExact = bool(node, "exact") else { return nil }
            if isExact {
                if let hop = section["hop"] { fault(hop.place, "an exact window has no hop", "remove `hop` or `exact`") }
                return ParsedWindow(name: name, window: .sliding(length: length, hop: Window.exactHop), place: node.place)
            }
        }
        guard let hopNode = section["hop"] else {
            return check(ParsedWindow(name: name, window: .sliding(length: length, hop: Window.ladderHop(length: length)), place: node.place), isLadder: true)
        }
        guard let hop = duration(hopNode, "hop", in: range) else { return nil }
        return check(ParsedWindow(name: name, window: .sliding(length: length, hop: hop), place: hopNode.place), isLadder: false)
    }

    private func check(_ parsed: ParsedWindow, isLadder: Bool) -> ParsedWindow? {
        guard case .sliding(let length, let hop) = parsed.window else { return parsed }
        let own = isLadder ? "its hop on the ladder, " : "its hop, "
        // The largest hop that fits: one that divides the length and is at most 1/60 of it, or 1 s.
        let better = Window.ladder.first { length % $0 == 0 && $0 <= length / 60 } ?? .seconds(1)
        let remedy = "write {length: \(parsed.name), hop: \(DurationText.format(better))}, or another length"
        if hop > length {
            fault(parsed.place, "the window \(parsed.name) is shorter than \(own)\(DurationText.format(hop))", remedy)
            return nil
        }
        if length % hop != 0 {
            fault(parsed.place, "the window \(parsed.name) is no multiple of \(own)\(DurationText.format(hop))", remedy)
            return nil
        }
        if length / hop > Self.maxTilesPerWindow {
            fault(
                parsed.place, "the window \(parsed.name) would span \(length / hop) tiles of \(DurationText.format(hop)), at most \(Self.maxTilesPerWindow) are allowed",
                "use a hop of \(DurationText.format(Window.ladderHop(length: length))), or leave it to the ladder")
            return nil
        }
        return parsed
    }

    /// Tiles of one level must nest in those of the next.
    private func checkHops(_ windows: [ParsedWindow], _ label: String) {
        var byHop: [Microseconds: ParsedWindow] = [:]
        for window in windows {
            if let hop = window.window.reach?.hop, byHop[hop] == nil { byHop[hop] = window }
        }
        let hops = byHop.keys.sorted()
        if hops.count > Self.maxHops, let last = byHop[hops[Self.maxHops]] {
            fault(last.place, "\(label) has \(hops.count) different hops, at most \(Self.maxHops) are allowed", "leave hops to the ladder, or use a second view")
        }
        for (fine, coarse) in zip(hops, hops.dropFirst()) where coarse % fine != 0 {
            guard let a = byHop[fine], let b = byHop[coarse] else { continue }
            // The one that is not of the ladder is the likely culprit.
            let place = Window.ladder.contains(coarse) ? a.place : b.place
            fault(
                place,
                "in \(label) the hop \(DurationText.format(coarse)) of \(b.name) is no multiple of the hop \(DurationText.format(fine)) of \(a.name)",
                "use hops that divide one another, such as the ladder's 5s 15s 1m 5m 15m 1h 6h 1d, or a view of its own")
        }
    }

    /// Every tile of a view keeps the sessions that its events form: bounded by how many fit between now and the oldest tile.
    private func checkSessions(_ view: ViewDefinition, _ windows: [ParsedWindow], _ place: SourcePlace, _ label: String) {
        var smallest: (gap: Microseconds, feature: FeatureDefinition)?
        for feature in view.features {
            if let gap = feature.aggregation.gap, gap < smallest?.gap ?? .max { smallest = (gap, feature) }
        }
        guard let (gap, feature) = smallest else { return }
        let what = "\(label) keeps the sessions of `\(feature.name)`"
        if let lifetime = windows.first(where: { $0.window == .lifetime }) {
            fault(
                lifetime.place, "\(what), whose number has no bound in a lifetime window",
                "give the session features a view of their own, with windows such as [7d, 90d]")
            return
        }
        let lengths = windows.map { $0.window.reach.map { $0.length + $0.hop } ?? 0 }
        let count = ((lengths.max() ?? 0) + view.history) / gap
        if count > Self.maxSessionsPerRow {
            fault(
                place, "\(what): up to \(count) of them in its longest window and history, at most \(Self.maxSessionsPerRow) are allowed",
                "use a longer gap, shorter windows or less history")
        }
    }
}

extension Aggregation {
    /// What ends a session.
    fileprivate var gap: Microseconds? {
        switch self {
        case .sessionCount(let gap), .sessionLength(let gap), .bounceRate(let gap): gap
        default: nil
        }
    }
}
