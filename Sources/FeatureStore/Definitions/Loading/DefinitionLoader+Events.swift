/// `retracts:` of a stream; `keep:`, `max_events:`, `retractions:` and `attributed_to:` of a view.
extension DefinitionLoader {
    private static let mostEvents = 1...10_000

    // MARK: Streams

    func readRetraction(_ node: YAMLNode, _ label: String, into stream: inout ParsedStream) {
        guard let section = section(node, "retracts of \(label)", keys: ["stream", "field", "where"]),
            let target = required(section, "stream", "add `stream: purchases`, whose events are cancelled"),
            let fieldNode = required(section, "field", "add `field: order`, the field that holds the id of the event that is cancelled"),
            let name = string(target, "stream"), let field = knownField(fieldNode, "field", stream)
        else { return }
        switch stream.definition.fields.first(where: { $0.name == field })?.type {
        case .string, .int64, nil: break
        case .bool, .decimal, .vector, .double, .doubles:
            fault(fieldNode.place, "`\(field)` cannot hold an id", "name a field of the type string or int64")
            return
        }
        stream.retractsPlace = target.place
        stream.definition.retracts = RetractionDefinition(stream: name, field: field, filter: section["where"].flatMap { filter($0, stream) })
    }

    /// A retraction against all streams; after the last one is read.
    func checkRetraction(_ stream: ParsedStream) {
        guard let retracts = stream.definition.retracts, let place = stream.retractsPlace else { return }
        guard let target = streams.first(where: { $0.definition.name == retracts.stream }) else {
            if !brokenStreams.contains(retracts.stream) {
                fault(
                    place, "there is no stream `\(retracts.stream)`",
                    NearestName.remedy(retracts.stream, in: streams.map(\.definition.name), what: "stream; add it under `streams:`"))
            }
            return
        }
        if target.definition.idPath == nil {
            fault(place, "the events of stream `\(retracts.stream)` have no id, so none can be retracted", "add `id: ...` to stream `\(retracts.stream)`")
        }
    }

    // MARK: Views

    func readAttribution(_ node: YAMLNode, of stream: ParsedStream?, _ entity: String?) -> AttributionDefinition? {
        guard let section = section(node, "attributed_to", keys: ["stream", "where", "match", "within", "max_events"]),
            let streamNode = required(section, "stream", "add `stream: clicks`, whose events come first"),
            let matchNode = required(section, "match", "add `match: product`, a field that both streams have"),
            let withinNode = required(section, "within", "add `within: 7d`"),
            let within = duration(withinNode, "within", in: .seconds(1) ... .days(400)), let other = knownStream(streamNode)
        else { return nil }
        if let stream, other.definition.name == stream.definition.name {
            fault(streamNode.place, "the view's events cannot be attributed to those of its own stream", "name another stream, whose events come first")
            return nil
        }
        if let entity, !isSingleton(entity), !other.broken.contains(entity), !other.definition.keys.contains(where: { $0.entity == entity }) {
            fault(
                streamNode.place, "stream `\(other.definition.name)` has no key for the entity `\(entity)`",
                "add `\(entity): path` under `keys:` of the stream")
            return nil
        }
        guard let match = knownField(matchNode, "match", other), knownField(matchNode, "match", stream) != nil else { return nil }
        let types = [stream, other].compactMap { $0?.definition.fields.first { $0.name == match }?.type }
        if types.first?.dimension != nil {
            fault(matchNode.place, "`\(match)` is a vector, and cannot be matched", "name a field such as the product")
            return nil
        }
        if types.count == 2, types[0] != types[1] {
            fault(matchNode.place, "`\(match)` has another type in each of the two streams", "map it with the same type, and decimals with the same scale")
            return nil
        }
        var attribution = AttributionDefinition(
            stream: other.definition.name, filter: section["where"].flatMap { filter($0, other) }, match: match, within: within)
        if let node = section["max_events"] { attribution.maxEvents = integer(node, "max_events", in: Self.mostEvents) ?? 1 }
        return attribution
    }

    /// What a view keeps: what it says, or what its windows and streams need.
    func readKeep(_ section: Section, _ label: String, _ windows: [ParsedWindow], _ entity: String?, into view: inout ViewDefinition) {
        let held = [view.stream] + (view.attribution.map { [$0.stream] } ?? [])
        let retracting = streams.map(\.definition).filter { stream in held.contains { $0 == stream.retracts?.stream } }
        if let node = section["retractions"] {
            switch string(node, "retractions") {
            case "apply"?: break
            case "ignore"?: view.appliesRetractions = false
            case let other?: fault(node.place, "retractions cannot be `\(other)`", "one of: apply, ignore")
            case nil: break
            }
            if retracting.isEmpty, !view.stream.isEmpty {
                fault(node.place, "no stream retracts events of `\(view.stream)`", "remove `retractions`, or give a stream `retracts: {stream: \(view.stream), field: ...}`")
            }
        }
        if view.appliesRetractions, let entity, !isSingleton(entity) {
            for stream in retracting where !stream.keys.contains(where: { $0.entity == entity }) {
                fault(
                    section["entity"]?.place ?? section.place,
                    "stream `\(stream.name)` retracts events of `\(stream.retracts?.stream ?? "")`, but has no key for the entity `\(entity)`",
                    "add `\(entity): path` under its `keys:`, or `retractions: ignore` to \(label)")
            }
        }
        var reason: String?
        if view.appliesRetractions, let stream = retracting.first { reason = "`\(stream.name)` retracts its events" }
        if section["attributed_to"] != nil { reason = "its events are attributed" }
        if let window = windows.first(where: { $0.window.reach?.hop == Window.exactHop }) { reason = "its window \(window.name) is exact" }

        var keepsEvents = reason != nil
        if let node = section["keep"], let keep = string(node, "keep") {
            switch keep {
            case "events": keepsEvents = true
            case "tiles":
                if let reason { fault(node.place, "\(label) cannot keep tiles: \(reason)", "write `keep: events`, or leave it out") }
            default: fault(node.place, "keep cannot be `\(keep)`", "one of: tiles, events")
            }
        }
        var max = ViewDefinition.Keep.defaultMaxEvents
        if let node = section["max_events"] {
            max = integer(node, "max_events", in: Self.mostEvents) ?? max
            if !keepsEvents { fault(node.place, "\(label) keeps tiles, which have no bound on events", "remove `max_events`, or add `keep: events`") }
        }
        if keepsEvents { view.keep = .events(max: max) }
    }
}
