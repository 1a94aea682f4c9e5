import FeatureStore

/// SEMANTICS section 9: what a row keeps of the events of one stream for a view that keeps events.
struct OracleLog {
    /// Newest first.
    var kept: [OracleEvent]
    /// The time of the newest event that found no room.
    var cut: Int64?
    var oldest: Int64?

    init(_ events: [OracleEvent], newest: Int64?, view: ViewDefinition, max: Int, lookback: Int64) {
        oldest = newest.flatMap { Self.oldest(view, newest: $0, lookback: lookback) }
        let oldest = oldest
        let reached = events.filter { oldest == nil || $0.time >= oldest! }.sorted { ($0.time, $0.id) > ($1.time, $1.id) }
        kept = Array(reached.prefix(max))
        cut = reached.count > max ? reached[max].time : nil
    }

    /// Nil: everything is kept.
    static func oldest(_ view: ViewDefinition, newest: Int64, lookback: Int64) -> Int64? {
        if view.features.contains(where: { $0.window == .lifetime }) { return nil }
        return view.features.map { feature in
            switch feature.window {
            case .sliding(let length, let hop): floorTime(newest - view.history, hop) - length
            case .calendar(let window): floorTime(newest - view.history, .minutes(15)) - OracleCalendar.reach(window)
            case .lifetime: fatalError("handled above")
            }
        }.min()! - lookback
    }

    func knows(_ left: Int64?) -> Bool {
        guard let left else { return cut == nil }
        return (cut.map { left > $0 } ?? true) && (oldest.map { left >= $0 } ?? true)
    }
}

/// The ids that a stream has retracted, as far as they are remembered.
struct OracleRetractions {
    private struct Retraction: Hashable {
        var id: UInt64
        var time: Int64
    }
    private var remembered: [Retraction]
    var cut: Int64?
    /// Before this nothing is known of retractions.
    var horizon: Int64?
    let margin: Int64

    init?(of stream: StreamDefinition, in row: OracleRow, passes: (OracleEvent) -> Bool) {
        guard let retracts = stream.retracts, let bounds = Self.bounds(of: stream, in: row.definitions) else { return nil }
        let index = row.definitions.streams.firstIndex { $0.name == stream.name }!
        let field = stream.fields.firstIndex { $0.name == retracts.field }!
        let state = row.streams[index]
        margin = bounds.margin
        var all: Set<Retraction> = []
        for event in state.accepted where passes(event) {
            let text: String
            switch event.fields[field] {
            case nil, .vector?: continue
            case .text(let id): text = id
            case .integer(let id): text = String(id)
            }
            all.insert(Retraction(id: EventMemory.hash(text), time: event.time))
        }
        if let newest = state.newest, let span = bounds.span {
            let margin = bounds.margin
            all = all.filter { $0.time >= newest - span - margin }
            horizon = newest - span
        }
        let ranked = all.sorted { ($0.time, $0.id) > ($1.time, $1.id) }
        remembered = Array(ranked.prefix(stream.maxIDsPerRow))
        if ranked.count > stream.maxIDsPerRow { cut = ranked[stream.maxIDsPerRow].time }
    }

    /// For how long retractions of a stream are asked for, and how far after its own time one counts; nil: nobody asks.
    static func bounds(of stream: StreamDefinition, in definitions: Definitions) -> (span: Int64?, margin: Int64)? {
        guard let target = stream.retracts?.stream else { return nil }
        var spans: [Int64?] = []
        for view in definitions.views where view.keepsEvents && view.appliesRetractions {
            let longest: Int64? = view.features.contains { $0.window == .lifetime } ? nil : view.features.map { feature in
                switch feature.window {
                case .sliding(let length, let hop): length + hop
                case .calendar(let window): OracleCalendar.reach(window) + .minutes(15)
                case .lifetime: fatalError("handled above")
                }
            }.max()!
            if view.stream == target { spans.append(longest.map { $0 + view.history }) }
            if let attribution = view.attribution, attribution.stream == target {
                spans.append(longest.map { $0 + view.history + attribution.within })
            }
        }
        if spans.isEmpty { return nil }
        let margin = definitions.streams.first { $0.name == target }!.allowedLateness
        return (spans.contains(nil) ? nil : spans.map { $0! }.max()!, margin)
    }

    func retracts(_ event: OracleEvent, at time: Int64) -> Bool {
        remembered.contains { $0.id == event.id && $0.time <= time && event.time <= $0.time + margin }
    }

    func knows(_ left: Int64?) -> Bool {
        guard let left else { return cut == nil }
        if let cut, left <= cut + margin { return false }
        return horizon.map { left >= $0 } ?? true
    }
}

/// What has been computed of a row by definition, until the next event: the features of a view ask for the same again and again.
final class OracleMemo {
    var logs: [String: (log: OracleLog, retractions: [OracleRetractions])] = [:]
}

extension OracleRow {
    /// Whether something besides tiles would keep an event of a stream without ids.
    func keepsBesidesTiles(_ time: Int64, newest: Int64, _ stream: StreamDefinition) -> Bool {
        for view in definitions.views where view.keepsEvents {
            if view.stream == stream.name, OracleLog.oldest(view, newest: newest, lookback: 0).map({ time >= $0 }) ?? true { return true }
            if let attribution = view.attribution, attribution.stream == stream.name,
                OracleLog.oldest(view, newest: newest, lookback: attribution.within).map({ time >= $0 }) ?? true { return true }
        }
        guard let bounds = OracleRetractions.bounds(of: stream, in: definitions) else { return false }
        return bounds.span.map { time >= newest - $0 - bounds.margin } ?? true
    }

    /// A feature of a view that keeps events; exact, so there is nothing to allow for. `filters` as in `Scenario`.
    func eventAnswer(
        _ feature: FeatureDefinition, of view: ViewDefinition, filters: [String: @Sendable (OracleEvent) -> Bool], at time: Int64,
        since: Int64? = nil
    ) -> OracleAnswer {
        guard case .events(let max) = view.keep else { fatalError("a view of tiles") }
        func log(_ name: String, _ filter: String, max: Int, lookback: Int64) -> (log: OracleLog, retractions: [OracleRetractions]) {
            let key = "\(view.name)/\(filter)"
            if let known = memo.logs[key] { return known }
            let state = streams[definitions.streams.firstIndex { $0.name == name }!]
            let log = OracleLog(
                state.accepted.filter { filters[filter]?($0) ?? true }, newest: state.newest, view: view, max: max, lookback: lookback)
            let retracting = view.appliesRetractions ? definitions.streams : []
            let made = (log, retracting.filter { $0.retracts?.stream == name }.compactMap { stream in
                OracleRetractions(of: stream, in: self, passes: { filters["retraction of \(stream.name)"]?($0) ?? true })
            })
            memo.logs[key] = made
            return made
        }
        let own = log(view.stream, view.name, max: max, lookback: 0)
        let source = definitions.streams.first { $0.name == view.stream }!
        var events = own.log.kept.filter { event in event.time <= time && !own.retractions.contains { $0.retracts(event, at: time) } }

        let left: Int64? = switch feature.window {
        case .sliding(let length, let hop): floorTime(time, hop) - length
        case .calendar(let window): OracleCalendar.of(window.days.zone).start(window, at: time)
        case .lifetime: nil
        }
        var isKnown = own.log.knows(left) && own.retractions.allSatisfy { $0.knows(left) }
        var needed = left
        var first: [OracleEvent] = []
        if let attribution = view.attribution {
            needed = left.map { $0 - attribution.within }
            let other = log(attribution.stream, "attribution of \(view.name)", max: attribution.maxEvents, lookback: attribution.within)
            isKnown = isKnown && other.log.knows(needed) && other.retractions.allSatisfy { $0.knows(needed) }
            first = other.log.kept.filter { event in event.time <= time && !other.retractions.contains { $0.retracts(event, at: time) } }
            let mine = source.fields.firstIndex { $0.name == attribution.match }!
            let theirs = definitions.streams.first { $0.name == attribution.stream }!.fields.firstIndex { $0.name == attribution.match }!
            events = events.filter { event in
                event.fields[mine] != nil && first.contains {
                    $0.fields[theirs] == event.fields[mine] && $0.time <= event.time && $0.time >= event.time - attribution.within
                }
            }
        }
        var answer = OracleAnswer(
            value: .init(value: .null, status: .missing, newestEventTime: events.map(\.time).max()), hasTTL: feature.ttl != nil)
        if let since, needed.map({ $0 < since }) ?? true {
            answer.value.status = .warming
            return answer
        }
        if isKnown {
            let covered = events.filter { left == nil || $0.time >= left! }
            if feature.aggregation == .conversion {
                let clicks = first.filter { left == nil || $0.time >= left! }.count
                answer.value.value = clicks == 0 ? .null : .double(Double(covered.count) / Double(clicks))
            } else {
                answer.value.value = OracleAggregation(stream: source).value(feature.aggregation, of: covered, at: time)
                answer.tolerance = OracleAggregation(stream: source).tolerance(feature.aggregation, of: covered, at: time)
            }
            if !answer.value.value.isNull { answer.value.status = .present }
        }
        return answer.settled(feature, time)
    }
}
