extension EntityPlan {
    /// Streams that have a part in an entity's rows although no view is over them: a view's events are attributed to theirs, or they
    /// retract events that a view keeps.
    static func hasPart(_ stream: StreamDefinition, of entity: String, in definitions: Definitions) -> Bool {
        let views = definitions.views.filter { $0.entity == entity }
        if views.contains(where: { $0.stream == stream.name || $0.attribution?.stream == stream.name }) { return true }
        guard let target = stream.retracts?.stream else { return false }
        return views.contains { view in
            view.keepsEvents && view.appliesRetractions && (view.stream == target || view.attribution?.stream == target)
        }
    }

    /// Whether rows keep events of `streams[position]` themselves, or what they retract.
    package func keepsEvents(ofStream position: Int) -> Bool {
        logs.contains { $0.stream == position } || retractions.contains { $0.stream == position }
    }

    /// The events that rows keep: per view that does, its own, and those that they are attributed to.
    static func logs(of views: [ViewPlan], _ streams: [Stream], in definitions: Definitions) -> [EventLogPlan] {
        func position(_ name: String) -> Int { streams.firstIndex { definitions.streams[$0.index].name == name }! }
        var logs: [EventLogPlan] = []
        for view in views {
            guard case .events(let max) = view.definition.keep else { continue }
            let source = definitions.streams[view.stream]
            var fields = view.neededFields
            if let match = view.definition.attribution?.match { fields.insert(source.fieldIndex(match)) }
            logs.append(EventLogPlan(
                view, kind: .view, stream: position(source.name), source: source, filter: view.filter, fields: fields,
                maxEvents: max, lookback: 0))
            guard let attribution = view.definition.attribution else { continue }
            let other = definitions.streams[streams[position(attribution.stream)].index]
            logs.append(EventLogPlan(
                view, kind: .attribution, stream: position(other.name), source: other,
                filter: attribution.filter.flatMap { try? Filter.compile($0, fields: other.fields) },
                fields: [other.fieldIndex(attribution.match)], maxEvents: attribution.maxEvents, lookback: attribution.within))
        }
        return logs
    }

    /// The retractions that rows remember: of each stream that retracts events of a log that applies them.
    static func retractions(
        for logs: [EventLogPlan], _ streams: [Stream], in definitions: Definitions
    ) -> [RetractionPlan] {
        streams.indices.compactMap { position in
            let source = definitions.streams[streams[position].index]
            guard let retracts = source.retracts,
                let target = streams.firstIndex(where: { definitions.streams[$0.index].name == retracts.stream })
            else { return nil }
            let held = logs.filter { $0.stream == target && $0.appliesRetractions }
            if held.isEmpty { return nil }
            let spans = held.map(\.span)
            return RetractionPlan(
                id: streams[position].id, stream: position, target: target, field: source.fieldIndex(retracts.field),
                filter: retracts.filter.flatMap { try? Filter.compile($0, fields: source.fields) }, maxIDs: source.maxIDsPerRow,
                margin: definitions.streams[streams[target].index].allowedLateness,
                span: spans.contains(nil) ? nil : spans.compactMap(\.self).max())
        }
    }
}

extension StreamDefinition {
    /// The definitions were checked when they loaded, so the field exists.
    func fieldIndex(_ name: String) -> Int32 { Int32(fields.firstIndex { $0.name == name }!) }
}

extension ViewPlan {
    /// The fields that the view's features are computed from.
    var neededFields: Set<Int32> {
        var fields: Set<Int32> = []
        for column in fixedColumns + variableColumns { fields.formUnion([column.field, column.by]) }
        for column in sequences { fields.insert(column.field) }
        return fields.filter { $0 >= 0 }
    }

    /// The field of the view's stream by which its events are attributed; nil: they are not.
    static func matchField(_ definition: ViewDefinition, in source: StreamDefinition) -> Int? {
        definition.attribution.map { Int(source.fieldIndex($0.match)) }
    }

    /// The streams that the view's values depend on: its own, the one its events are attributed to, and those that retract events of either.
    func sources(in definitions: Definitions) -> [StreamDefinition] {
        let own = definitions.streams[stream]
        guard definition.keepsEvents else { return [own] }
        let held = [own] + definitions.streams.filter { $0.name == definition.attribution?.stream }
        guard definition.appliesRetractions else { return held }
        return held + definitions.streams.filter { source in held.contains { $0.name == source.retracts?.stream } }
    }

    /// What the kept events of a view depend on besides the events; empty for tiles.
    func eventFingerprint(in definitions: Definitions) -> String {
        guard case .events(let max) = definition.keep else { return "" }
        let source = definitions.streams[stream]
        let fields = neededFields.sorted().map { "\(source.fields[Int($0)].path):\(source.fields[Int($0)].type.text)" }
        var text = "|E\(max)/\(fields)/\(definition.appliesRetractions)"
        for (length, hop) in Set(definition.features.compactMap { $0.window.reach.map { [$0.length, $0.hop] } }).map({ ($0[0], $0[1]) })
            .sorted(by: { $0 < $1 }) { text += "/\(length):\(hop)" }
        if let attribution = definition.attribution,
            let other = definitions.streams.first(where: { $0.name == attribution.stream })
        {
            let path = { (stream: StreamDefinition) in stream.fields[Int(stream.fieldIndex(attribution.match))].path }
            text += "|A\(attribution.stream)/\(attribution.filter ?? "")/\(path(source))/\(path(other))"
                + "/\(attribution.within)/\(attribution.maxEvents)"
        }
        return text
    }
}
