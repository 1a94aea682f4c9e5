/// Why a value has its status, in words.
extension Explainer {
    func reason(_ value: FeatureValue, _ feature: FeatureDefinition, _ origin: Explanation.ViewOrigin) -> String {
        switch value.status {
        case .present: presence(origin)
        case .missing: absence(origin)
        case .defaulted: absence(origin) + " The definitions give a default for that."
        case .warming: warming(origin)
        case .stale: staleness(value, feature, origin)
        // An explanation is of the entity's own value, and has no deadline.
        case .fallback, .overdue: absence(origin)
        }
    }

    func reason(_ value: FeatureValue, _ defaultValue: Value?, inputs: [(name: String, value: FeatureValue)]) -> String {
        func names(_ status: FeatureStatus) -> String { inputs.filter { $0.value.status == status }.map(\.name).joined(separator: ", ") }
        let nothing =
            inputs.allSatisfy { $0.value.status == .missing } ? "Every input is missing." : "The expression is null for these inputs."
        switch value.status {
        case .present: return "Computed from its inputs."
        case .missing: return nothing
        case .defaulted: return nothing + " The definitions give a default for that."
        case .fallback, .overdue: return nothing
        case .warming: return "Warming, because of its inputs: \(names(.warming))."
        case .stale:
            let stale = names(.stale)
            return stale.isEmpty || behind != nil ? tooFarBehind : "Stale, because of its inputs: \(stale)."
        }
    }

    // MARK: Of a view

    private func presence(_ origin: Explanation.ViewOrigin) -> String {
        var tiles = 0, entries = 0, events = 0, others = 0
        for row in origin.rows {
            switch row.content {
            case .tiles(let all): tiles += all.contributing.count
            case .entries(let all): entries += all.count
            case .events(let all):
                events += all.events.count { $0.standing == .counts }
                others += all.events.count { $0.standing != .counts }
            }
        }
        let rows = origin.rows.count > 1 ? " in \(origin.rows.count) shards" : ""
        if events + others > 0 {
            let without = others == 0 ? "" : "; \(plural(others, "event")) in it \(others == 1 ? "does" : "do") not count"
            return "Computed of the window's \(plural(events, "event"))\(rows)\(without)."
        }
        if tiles > 0 { return "Computed of the window's \(plural(tiles, "tile"))\(rows)." }
        if entries > 0 { return "Read from the view's newest events\(rows): \(plural(entries, "entry", "entries")) in the window." }
        return "There is a row, and no event of the view in the window."
    }

    private func absence(_ origin: Explanation.ViewOrigin) -> String {
        if origin.rows.isEmpty { return "No shard that was read has a row of this key: none of its events was accepted." }
        if let row = origin.rows.first(where: { !$0.isComplete }) { return incompleteness(row, origin) }
        let isEmpty = origin.rows.allSatisfy { row in
            switch row.content {
            case .tiles(let all): all.contributing.isEmpty
            case .entries(let all): all.isEmpty
            case .events(let all): !all.events.contains { $0.standing == .counts }
            }
        }
        if isEmpty { return "No event of the view lies in the window, and \(origin.aggregation) of nothing is null." }
        return "The window's events have no value that \(origin.aggregation) could be computed of."
    }

    private func incompleteness(_ row: Explanation.RowPart, _ origin: Explanation.ViewOrigin) -> String {
        if case .events(let events) = row.content {
            if let cut = events.cut, origin.window.left ?? .min <= cut {
                return "The window reaches further back than the newest events that the row has room for (max_events)."
            }
            if let other = events.attribution, let cut = other.cut, (origin.window.left ?? .min) - (origin.window.left == nil ? 0 : other.within) <= cut {
                return "The window reaches further back than the \(other.stream) that the row has room for (max_events of the attribution)."
            }
            return "The window begins before what the row keeps of events or of what retracts them; `history` of the view is \(DurationText.format(origin.history))."
        }
        let age = row.newest.map { "\(duration($0 - time)) before the stream's newest event" } ?? "before the stream's newest event"
        return "The time asked for is \(age), and what the row keeps of that time is too coarse, or gone; `history` of the view is \(DurationText.format(origin.history))."
    }

    private func warming(_ origin: Explanation.ViewOrigin) -> String {
        let since = origin.rows.compactMap(\.since).max()
        guard let since else { return "The view was added when part of the stream had been read." }
        let ago = "The view was added when part of the stream had been read: it has seen every event only of the last \(duration(Swift.max(0, time - since)))"
        return origin.window.left == nil ? "\(ago), and the window reaches back to the beginning." : "\(ago), and the window reaches back further."
    }

    private func staleness(_ value: FeatureValue, _ feature: FeatureDefinition, _ origin: Explanation.ViewOrigin) -> String {
        if let ttl = feature.ttl {
            guard let newest = value.newestEventTime else {
                return "When the view's newest event was is not known, so the value may be older than the feature's ttl of \(DurationText.format(ttl))."
            }
            if time - newest > ttl {
                return "The view's newest event is \(duration(time - newest)) old, more than the feature's ttl of \(DurationText.format(ttl))."
            }
        }
        return tooFarBehind
    }

    private var tooFarBehind: String {
        guard let behind else { return "An input is stale." }
        let by = behind.freshness.map { "is \(duration($0)) behind its topics" } ?? "does not know how far it is behind its topics"
        return "Shard \(behind.shard) \(by); the limit asked for is \(duration(behind.limit))."
    }

    // MARK: Words

    private func plural(_ n: Int, _ one: String, _ many: String? = nil) -> String { "\(n) \(n == 1 ? one : many ?? one + "s")" }

    /// The two largest units: `3h 12m`.
    private func duration(_ microseconds: Microseconds) -> String {
        let units: [(name: String, length: Microseconds)] = [("d", .days(1)), ("h", .hours(1)), ("m", .minutes(1)), ("s", .seconds(1)), ("ms", 1000), ("µs", 1)]
        guard let first = units.firstIndex(where: { microseconds >= $0.length }) else { return "0s" }
        let whole = microseconds / units[first].length
        let text = "\(whole)\(units[first].name)"
        guard first + 1 < units.count else { return text }
        let rest = microseconds % units[first].length / units[first + 1].length
        return rest == 0 ? text : "\(text) \(rest)\(units[first + 1].name)"
    }
}

extension Explanation.Feature {
    /// What the service made of the value.
    mutating func note(_ said: ServedFeature) {
        if let own = said.defaultValue { defaultValue = own }
        if let clip = said.clip, value.status != .defaulted, value.value == clip.low || value.value == clip.high, !value.value.isNull {
            reason += " The service's bounds are \(clip.low?.json ?? "open") to \(clip.high?.json ?? "open")."
        }
    }
}
