/// Of one view: the time zone and the first day of the week of its calendar windows.
struct ParsedCalendar {
    var days: CalendarDays?
    /// A zone is named, but it is wrong, and a fault says so.
    var isBroken = false
    var weekStart = CalendarWindow.Weekday.monday
}

/// `time_zone:` and `week_starts:` of a view, and the windows that need them.
extension DefinitionLoader {
    func readCalendar(_ view: Section) -> ParsedCalendar {
        var calendar = ParsedCalendar()
        if let node = view["time_zone"] {
            calendar.isBroken = true
            if let name = string(node, "time_zone") {
                do throws(TimeZoneError) {
                    calendar.days = try CalendarDays.named(name)
                    calendar.isBroken = false
                } catch {
                    fault(node.place, error.description, error.remedy)
                }
            }
        }
        if let node = view["week_starts"] { calendar.weekStart = choice(node, "week_starts", CalendarWindow.Weekday.self) ?? .monday }
        return calendar
    }

    func calendarWindow(_ unit: CalendarWindow.Unit, _ place: SourcePlace) -> ParsedWindow? {
        guard let days = calendar.days else {
            if !calendar.isBroken {
                fault(place, "the window \(unit.rawValue) needs a time zone", "add `time_zone: Europe/Berlin` to the view")
            }
            return nil
        }
        return ParsedWindow(
            name: unit.rawValue, window: .calendar(CalendarWindow(unit, days: days, weekStart: calendar.weekStart)), place: place)
    }
}
