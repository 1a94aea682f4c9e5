/// A window as lookups need it: where it begins, and how fine. Trivial to copy.
enum WindowEdge: BitwiseCopyable, Sendable, Equatable {
    case sliding(length: Microseconds, hop: Microseconds)
    case calendar(CalendarEdge, reach: Microseconds, hop: Microseconds)
    case lifetime

    /// `isExact`: the view keeps events, so that a calendar window need not begin where tiles do.
    init(_ window: Window, isExact: Bool) {
        switch window {
        case .sliding(let length, let hop): self = .sliding(length: length, hop: hop)
        case .calendar(let calendar):
            self = .calendar(CalendarEdge(calendar), reach: calendar.reach, hop: isExact ? Window.exactHop : CalendarWindow.hop)
        case .lifetime: self = .lifetime
        }
    }

    var sortLength: Int64 {
        switch self {
        case .sliding(let length, _): length
        case .calendar(_, let reach, _): reach
        case .lifetime: .max
        }
    }

    /// 0: there is no left edge.
    var hop: Int64 {
        switch self {
        case .sliding(_, let hop), .calendar(_, _, let hop): hop
        case .lifetime: 0
        }
    }

    /// Whether `other` begins no later than this window, whatever the time. Hops divide one another.
    func isAlwaysWithin(_ other: WindowEdge) -> Bool {
        switch (self, other) {
        case (_, .lifetime): true
        case (.sliding(let length, let hop), .sliding(let otherLength, let otherHop)):
            length + Swift.max(0, hop - otherHop) <= otherLength
        default: false
        }
    }

    /// The oldest event time that belongs to the window of a request at `time`; nil: all of them do.
    @inline(__always)
    func leftEdge(at time: Int64) -> Int64? {
        switch self {
        case .sliding(let length, let hop): floorDown(time, hop) - length
        case .calendar(let edge, _, let hop): floorDown(edge.start(at: time), hop)
        case .lifetime: nil
        }
    }
}
