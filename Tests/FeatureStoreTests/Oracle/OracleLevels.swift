import FeatureStore

/// The largest multiple of `hop` that is at most `time`; SEMANTICS section 1.
func floorTime(_ time: Int64, _ hop: Int64) -> Int64 {
    let remainder = ((time % hop) + hop) % hop
    return time - remainder
}

/// How far back a view keeps tiles, and how fine; SEMANTICS section 5.
struct OracleLevels {
    var hops: [Int64] = []
    var reaches: [Int64] = []
    let history: Int64
    let hasLifetime: Bool

    init(_ view: ViewDefinition) {
        history = view.history
        hasLifetime = view.features.contains { $0.window == .lifetime }
        var reachOfHop: [Int64: Int64] = [:]
        for feature in view.features {
            switch feature.window {
            case .sliding(let length, let hop): reachOfHop[hop] = max(reachOfHop[hop] ?? 0, length)
            case .calendar(let window):
                reachOfHop[.minutes(15)] = max(reachOfHop[.minutes(15)] ?? 0, OracleCalendar.reach(window))
            case .lifetime: break
            }
        }
        for (hop, reach) in reachOfHop.sorted(by: { $0.key < $1.key }) {
            if let before = hops.last, reach < reaches.last! + before + 2 * hop {
                reaches[reaches.count - 1] = max(reaches.last!, reach + hop - before)
            } else {
                hops.append(hop)
                reaches.append(reach)
            }
        }
    }

    /// `B_0 ... B_n` given the stream's newest event time.
    func boundaries(newest: Int64) -> [Int64] {
        hops.indices.map { i in
            let own = floorTime(newest - history, hops[i]) - reaches[i]
            return i + 1 < hops.count ? floorTime(own, hops[i + 1]) : own
        }
    }

    /// Which level's tiles hold `time`; nil: forgotten, or in the tile of all that is older.
    func level(of time: Int64, newest: Int64) -> Int? { boundaries(newest: newest).firstIndex { time >= $0 } }
}
