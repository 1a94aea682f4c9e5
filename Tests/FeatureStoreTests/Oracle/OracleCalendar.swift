import FeatureStore
import Foundation

/// When the days of a time zone begin, from nothing but the offsets that Foundation knows (the ICU tables, which the engine does not read).
final class OracleCalendar: @unchecked Sendable {
    private let zone: TimeZone
    private var starts: [Int: Int64] = [:]
    /// Of the week or month of a day.
    private var firstDays: [[Int]: Int] = [:]
    private let lock = NSLock()
    private static let day: Int64 = 86_400

    init(_ zone: String) { self.zone = TimeZone(identifier: zone)! }

    private nonisolated(unsafe) static var known: [String: OracleCalendar] = [:]
    private static let knownLock = NSLock()
    static func of(_ zone: String) -> OracleCalendar {
        knownLock.withLock {
            if let calendar = known[zone] { return calendar }
            let calendar = OracleCalendar(zone)
            known[zone] = calendar
            return calendar
        }
    }

    /// What the clocks show at a second, in seconds.
    private func local(_ second: Int64) -> Int64 {
        second + Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(second))))
    }

    /// The first second at which the clocks show the date or a later one.
    func start(ofDay day: Int) -> Int64 {
        if let known = lock.withLock({ starts[day] }) { return known }
        let midnight = Int64(day) * Self.day
        // Between two quarters of an hour the clocks change at most once, so that the date is reached at once or in between.
        var quarter = midnight - 30 * 3600
        while local(quarter) < midnight { quarter += 900 }
        var low = quarter - 900, high = quarter
        while high - low > 1 {
            let middle = (low + high) / 2
            if local(middle) < midnight { low = middle } else { high = middle }
        }
        lock.withLock { starts[day] = high }
        return high
    }

    func day(at second: Int64) -> Int {
        var day = Int(second / Self.day) + 2
        while start(ofDay: day) > second { day -= 1 }
        return day
    }

    /// SEMANTICS section 4: when the day, week or month of a time began, µs.
    func start(_ window: CalendarWindow, at time: Int64) -> Int64 {
        let today = day(at: floorTime(time, 1_000_000) / 1_000_000)
        let key = [today, CalendarWindow.Unit.allCases.firstIndex(of: window.unit)!, CalendarWindow.Weekday.allCases.firstIndex(of: window.weekStart)!]
        if let known = lock.withLock({ firstDays[key] }) { return start(ofDay: known) * 1_000_000 }
        var day = today
        var utc = Calendar(identifier: .gregorian)
        utc.timeZone = TimeZone(secondsFromGMT: 0)!
        func parts(_ day: Int) -> DateComponents {
            utc.dateComponents([.day, .weekday], from: Date(timeIntervalSince1970: TimeInterval(Int64(day) * Self.day)))
        }
        let weekdays: [CalendarWindow.Weekday] = [.sunday, .monday, .tuesday, .wednesday, .thursday, .friday, .saturday]
        switch window.unit {
        case .today: break
        case .thisWeek: while weekdays[parts(day).weekday! - 1] != window.weekStart { day -= 1 }
        case .monthToDate: while parts(day).day! != 1 { day -= 1 }
        }
        let first = day
        lock.withLock { firstDays[key] = first }
        return start(ofDay: first) * 1_000_000
    }
}

extension OracleCalendar {
    /// How long a window reaches back at most.
    static func reach(_ window: CalendarWindow) -> Int64 {
        switch window.unit {
        case .today: .days(2)
        case .thisWeek: .days(8)
        case .monthToDate: .days(32)
        }
    }
}
