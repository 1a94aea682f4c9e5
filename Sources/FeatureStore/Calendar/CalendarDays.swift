internal import Synchronization

/// The days of a time zone: when each one begins.
///
/// A date begins the first time that the zone's clocks show it or a later one. So every moment belongs to one date, and dates follow one
/// another, whatever the clocks do: at a date that is skipped two begin at once, and an hour that is set back over midnight
/// belongs to the date that had begun.
///
/// One table of Int64 per zone, made when a zone is first named and kept for the life of the process: a lookup finds its day in a few
/// steps, without locks and without allocations.
public final class CalendarDays: Sendable {
    public let zone: String
    /// µs since the epoch, for the days from `firstDay` on, ascending; never freed.
    nonisolated(unsafe) let starts: UnsafePointer<Int64>

    /// More than a month before the first time that a request may have, and a week after the last.
    static let firstDay = -62
    private static let lastDay = 49_720

    private static let known = Mutex<[String: CalendarDays]>([:])

    /// The days of a zone of the tz database, such as `Europe/Berlin`.
    public static func named(_ zone: String) throws(TimeZoneError) -> CalendarDays {
        if let days = known.withLock({ $0[zone] }) { return days }
        let made = CalendarDays(zone: zone, rules: try ZoneRules.load(zone))
        return known.withLock { known in
            if let other = known[zone] { return other }
            known[zone] = made
            return made
        }
    }

    private init(zone: String, rules: ZoneRules) {
        self.zone = zone
        let starts = UnsafeMutablePointer<Int64>.allocate(capacity: Self.lastDay - Self.firstDay + 1)
        var change = 0
        for day in Self.firstDay...Self.lastDay {
            let midnight = Int64(day) * 86_400
            var start = Swift.max(rules.changes[change].start, midnight - rules.changes[change].offset)
            while change + 1 < rules.changes.count, start >= rules.changes[change + 1].start {
                change += 1
                start = Swift.max(rules.changes[change].start, midnight - rules.changes[change].offset)
            }
            (starts + (day - Self.firstDay)).initialize(to: start * 1_000_000)
        }
        self.starts = UnsafePointer(starts)
    }

    /// The date at `time`, in days since 1970-01-01.
    @inline(__always)
    static func day(at time: Int64, _ starts: UnsafePointer<Int64>) -> Int {
        // No zone is a day and a half from UTC.
        var at = Int(Swift.min(Swift.max(time, 0), Store.validTimes.upperBound) / 86_400_000_000) + 2 - firstDay
        while at > 0, starts[at] > time { at -= 1 }
        return at + firstDay
    }
}

extension CalendarDays: Hashable {
    public static func == (a: CalendarDays, b: CalendarDays) -> Bool { a.zone == b.zone }
    public func hash(into hasher: inout Hasher) { hasher.combine(zone) }
}
