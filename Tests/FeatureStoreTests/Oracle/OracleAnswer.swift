import FeatureStore

/// What a lookup must give. Where the semantics leave a choice (events that *may* have been forgotten) both ways are allowed.
struct OracleAnswer {
    var value: FeatureValue
    /// `missing` (or the default) is right, too.
    var mayBeMissing = false
    /// A newest event time of nil is right, too.
    var newestMayBeUnknown = false
    var hasTTL = false
    /// How far a double may be from the value.
    var tolerance = 0.0

    func allows(_ other: FeatureValue, defaultValue: Value?) -> Bool {
        let newestFits = other.newestEventTime == value.newestEventTime || (newestMayBeUnknown && other.newestEventTime == nil)
        if !newestFits && other.status != .warming { return false }
        var isEqual = other.value == value.value
        if tolerance > 0, case .double(let a) = other.value, case .double(let b) = value.value { isEqual = abs(a - b) <= tolerance }
        if isEqual && other.status == value.status { return true }
        // With a `ttl`, a value whose newest event is not known counts as stale.
        if hasTTL, isEqual, other.status == .stale, other.newestEventTime == nil { return true }
        guard mayBeMissing else { return false }
        return other.status == (defaultValue == nil ? .missing : .defaulted) && other.value == (defaultValue ?? .null)
    }
}

extension OracleRow {
    /// A feature of a view at `time`; SEMANTICS sections 4, 5 and 7. `passes` is the view's filter.
    func answer(
        _ feature: FeatureDefinition, of view: ViewDefinition, passes: (OracleEvent) -> Bool, at time: Int64, since: Int64? = nil
    ) -> OracleAnswer {
        let streamIndex = definitions.streams.firstIndex { $0.name == view.stream }!
        let state = streams[streamIndex]
        let events = state.accepted.filter(passes)
        let levels = OracleLevels(view)
        let aggregation = OracleAggregation(stream: definitions.streams[streamIndex])
        var left: Int64?
        var ownHop: Int64 = 1
        if case .sliding(let length, let hop) = feature.window {
            left = floorTime(time, hop) - length
            ownHop = hop
        }
        if case .calendar(let window) = feature.window {
            ownHop = .minutes(15)
            left = floorTime(OracleCalendar.of(window.days.zone).start(window, at: time), ownHop)
        }
        let newestKnown = events.map(\.time).filter { $0 <= time }.max()
        var answer = OracleAnswer(value: .init(value: .null, status: .missing, newestEventTime: newestKnown), hasTTL: feature.ttl != nil)

        if let since, left.map({ $0 < since }) ?? true {
            answer.value.status = .warming
            return answer
        }
        var right = time
        if let newest = state.newest, !levels.hasLifetime, let oldest = levels.boundaries(newest: newest).last, let newestKnown, newestKnown < oldest {
            answer.newestMayBeUnknown = true  // Forgotten.
        }
        if let newest = state.newest, time < newest {
            let boundaries = levels.boundaries(newest: newest)
            let isMissing: Bool
            if feature.aggregation.readsEvents {
                isMissing = !levels.hasLifetime && left != nil && left! < (boundaries.last ?? .min)
                if time < newest - levels.history { answer.mayBeMissing = true }
            } else if let holding = levels.level(of: time, newest: newest) {
                right = floorTime(time, levels.hops[holding]) + levels.hops[holding] - 1
                if let left {
                    let level = levels.level(of: left, newest: newest)
                    isMissing = level == nil || ownHop % levels.hops[level!] != 0
                } else {
                    isMissing = false
                }
            } else {
                isMissing = true
            }
            if time < newest - levels.history { answer.newestMayBeUnknown = true }
            if isMissing { return answer.settled(feature, time) }
        }
        let covered = events.filter { $0.time <= right && (left == nil || $0.time >= left!) }
        answer.value.value = aggregation.value(feature.aggregation, of: covered, at: time)
        answer.tolerance = aggregation.tolerance(feature.aggregation, of: covered, at: time)
        if !answer.value.value.isNull { answer.value.status = .present }
        return answer.settled(feature, time)
    }
}

extension OracleAnswer {
    /// Gives the default and marks what is older than its `ttl`.
    func settled(_ feature: FeatureDefinition, _ time: Int64) -> OracleAnswer {
        var answer = self
        if answer.value.status == .missing, let defaultValue = feature.defaultValue {
            answer.value.value = defaultValue
            answer.value.status = .defaulted
        } else if answer.value.status == .present, let ttl = feature.ttl, let newest = answer.value.newestEventTime, time - newest > ttl {
            answer.value.status = .stale
        }
        return answer
    }
}

extension Aggregation {
    /// Those that are read from kept events and not from tiles.
    var readsEvents: Bool {
        switch self {
        case .last, .lastN, .timeSinceLast: true
        default: false
        }
    }
}
