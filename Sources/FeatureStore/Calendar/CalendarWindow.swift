/// A window that begins when a day, a week or a month of a time zone does, and ends at the time of the request.
public struct CalendarWindow: Sendable, Hashable {
    public enum Unit: String, Sendable, CaseIterable, BitwiseCopyable {
        case today
        case thisWeek = "this_week"
        case monthToDate = "month_to_date"
    }
    public enum Weekday: String, Sendable, CaseIterable {
        case monday, tuesday, wednesday, thursday, friday, saturday, sunday
    }
    public var unit: Unit
    public var days: CalendarDays
    public var weekStart: Weekday

    public init(_ unit: Unit, days: CalendarDays, weekStart: Weekday = .monday) {
        self.unit = unit
        self.days = days
        self.weekStart = weekStart
    }

    /// Where tiles begin that this window is read from: at every midnight of every offset in use since 1982 (they are all multiples of 15 minutes).
    public static let hop: Microseconds = .minutes(15)

    /// Longer than any such window can be, so that what is kept for it does not depend on the rules of the zone: a day of 25 or 27
    /// hours, a week with one, a month with one.
    public var reach: Microseconds {
        switch unit {
        case .today: .days(2)
        case .thisWeek: .days(8)
        case .monthToDate: .days(32)
        }
    }

    /// When the day, the week or the month of `time` began.
    public func start(at time: Int64) -> Int64 { CalendarEdge(self).start(at: time) }
}

/// A calendar window as lookups need it: trivial to copy. The table of days lives as long as the process.
struct CalendarEdge: BitwiseCopyable, Sendable, Equatable {
    private let unit: CalendarWindow.Unit
    /// Days after Monday.
    private let weekStart: Int
    private nonisolated(unsafe) let starts: UnsafePointer<Int64>

    init(_ window: CalendarWindow) {
        unit = window.unit
        weekStart = CalendarWindow.Weekday.allCases.firstIndex(of: window.weekStart)!
        starts = window.days.starts
    }

    @inline(__always)
    func start(at time: Int64) -> Int64 {
        let day = CalendarDays.day(at: time, starts)
        let first =
            switch unit {
            case .today: day
            // Day 0 was a Thursday; 70 days keep what is divided positive.
            case .thisWeek: day - (day + 70 + 3 - weekStart) % 7
            case .monthToDate: day + 1 - CivilDate.dayOfMonth(day)
            }
        return starts[Swift.max(first - CalendarDays.firstDay, 0)]
    }
}
