import FeatureStore
import TestSupport

extension Scenario {
    /// Runs the engine and the oracle side by side. Nil when they agree, else the first difference.
    func firstDifference() -> String? {
        var random = SeededGenerator(seed: seed ^ 0xABCD)
        let catalog = Catalog(definitions)
        let plan = catalog.entities[0]
        let read = ReadPlan(features: Array(catalog.features.indices), catalog: catalog, entity: 0)
        let streamPosition = definitions.streams.indices.map { index in plan.streams.firstIndex { $0.index == index }! }
        let editor = RowEditor(plan: plan)
        let memory = EventMemory()
        var row: [UInt8] = []
        var oracle = OracleRow(definitions)

        do {
            var at = 0
            while at < events.count {
                // A batch: as many events as come before the row is stored again.
                let end = min(events.count, at + random.int(1...12))
                try row.withUnsafeBytes { bytes throws in try editor.begin(bytes.isEmpty ? nil : bytes) }
                for index in at..<end {
                    let event = events[index]
                    let expected = oracle.offer(event)
                    let outcome = memory.withValues(event) {
                        editor.apply(stream: streamPosition[event.stream], time: event.time, id: event.id, values: $0)
                    }
                    if outcome != expected { return "event \(index): \(outcome), expected \(expected)\n\(listing)" }
                }
                if let bytes = editor.finish() { row = Array(bytes) }
                at = end
                if at == events.count || random.one(in: 6) {
                    for time in queryTimes(oracle, &random) {
                        if let difference = try difference(at: time, row, oracle, catalog, plan, read) {
                            return "after \(at) events at \(time): \(difference)\n\(listing)"
                        }
                    }
                }
            }
        } catch {
            return "threw \(error)\n\(listing)"
        }
        return nil
    }

    private func difference(
        at time: Int64, _ row: [UInt8], _ oracle: OracleRow, _ catalog: Catalog, _ plan: EntityPlan, _ read: ReadPlan
    ) throws -> String? {
        let since: [Int64?] = seed % 5 == 0 ? plan.views.indices.map { $0 % 2 == 0 ? events[0].time : nil } : []
        let values = try row.withUnsafeBytes { bytes throws in
            try RowReader.values(read, rows: [.init(bytes: bytes, plan: plan, since: since)], at: time)
        }
        for (feature, value) in zip(catalog.features, values) {
            guard case .view(let viewIndex, let definition) = feature.source else { continue }
            let view = plan.views[viewIndex].definition
            let answer = view.keepsEvents
                ? oracle.eventAnswer(definition, of: view, filters: filters, at: time, since: since.isEmpty ? nil : since[viewIndex])
                : oracle.answer(
                definition, of: view, passes: { event in
                    definitions.streams[event.stream].name == view.stream && filters[view.name]?(event) ?? true
                }, at: time, since: since.isEmpty ? nil : since[viewIndex])
            if !answer.allows(value, defaultValue: definition.defaultValue) {
                let newest = oracle.streams[plan.views[viewIndex].stream].newest.map { "T = t + \($0 - time)" } ?? "no T"
                return """
                    \(definition.aggregation) over \(definition.window) of \(view.name), history \(view.history), \(newest)
                      engine: \(value)
                      oracle: \(answer)
                      hops and windows: \(view.features.map(\.window))
                    """
            }
        }
        return nil
    }

    /// Times worth asking for: the newest event and after it, the edges of windows and tiles, and the past as far as it is kept and further.
    private func queryTimes(_ oracle: OracleRow, _ random: inout SeededGenerator) -> [Int64] {
        var times: [Int64] = []
        for state in oracle.streams {
            guard let newest = state.newest else { continue }
            times += [newest, newest - 1, newest + 1, newest + random.int64(0 ... .hours(2)), newest + .days(1000)]
        }
        for _ in 0..<6 {
            let view = random.pick(definitions.views)
            guard let (length, hop) = random.pick(view.features).window.reach else { continue }
            let stream = definitions.streams.firstIndex { $0.name == view.stream }!
            guard let newest = oracle.streams[stream].newest, let event = oracle.streams[stream].accepted.randomElement(using: &random) else { continue }
            let leaves = floorTime(event.time, hop) + length + hop  // The event leaves the window at this time.
            times += [leaves, leaves - 1, event.time, event.time - 1, floorTime(newest, hop), floorTime(newest, hop) + hop - 1]
            times += [newest - random.int64(0...view.history), newest - view.history, newest - view.history - 1]
            times += [newest - view.history - random.int64(0...2 * length), floorTime(newest - view.history, hop) - length + random.int64(-1...1)]
        }
        return times.filter { Store.validTimes.contains($0) }
    }

    private var listing: String {
        let streams = definitions.streams.map { "  stream \($0.name): ids \($0.idPath != nil), lateness \($0.allowedLateness), max ids \($0.maxIDsPerRow)" }
        let shown = events.prefix(40).map { "  \($0.stream) \($0.time) \($0.id % 10_000) \($0.fields)" }
        return "seed \(seed), \(events.count) events\n" + (streams + shown).joined(separator: "\n")
    }

    /// A smaller stream that still differs: events are taken out one after the other for as long as the difference stays.
    func shrunk() -> (Scenario, String)? {
        guard var difference = firstDifference() else { return nil }
        var smallest = self
        var size = max(1, events.count / 2)
        while size >= 1 {
            var at = 0
            while at < smallest.events.count, smallest.events.count > 1 {
                var candidate = smallest
                candidate.events.removeSubrange(at..<min(at + size, candidate.events.count))
                if !candidate.events.isEmpty, let found = candidate.firstDifference() {
                    (smallest, difference) = (candidate, found)
                } else {
                    at += size
                }
            }
            size /= 2
        }
        return (smallest, difference)
    }
}
