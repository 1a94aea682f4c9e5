/// The rule in the footer of a TZif file, for the time after its table: a POSIX `TZ` text such as `CET-1CEST,M3.5.0,M10.5.0/3`, with
/// the hours from -167 to 167 that RFC 8536 allows.
struct ZoneFooter {
    private enum Day {
        /// The `week`-th (5: the last) `weekday` (0: Sunday) of a month.
        case month(Int, week: Int, weekday: Int)
        /// 1...365; 29 February is never counted.
        case julian(Int)
        /// 0...365.
        case ofYear(Int)
    }
    private struct Moment {
        var day: Day
        /// Seconds after local midnight.
        var time: Int64
    }
    private var standard: Int64 = 0
    private var summer: (offset: Int64, start: Moment, end: Moment)?

    /// Changes of the years 1970 to 2107; none in a zone without summer time, whose table ends in its standard time.
    var changes: [ZoneRules.Change] {
        guard let summer else { return [] }
        var all: [(start: Int64, isSummer: Bool)] = []
        for year in 1970...2107 {
            all.append((Self.seconds(summer.start, year) - standard, true))
            all.append((Self.seconds(summer.end, year) - summer.offset, false))
        }
        // Where the end of one summer time is the beginning of the next, there is no end.
        all.sort { ($0.start, $0.isSummer ? 1 : 0) < ($1.start, $1.isSummer ? 1 : 0) }
        return all.map { ZoneRules.Change(start: $0.start, offset: $0.isSummer ? summer.offset : standard) }
    }

    /// Nil when the text is no such rule.
    init?(_ text: String) {
        var scanner = Scanner(rest: Array(text.utf8)[...])
        guard scanner.name(), let west = scanner.time() else { return nil }
        standard = -west
        if scanner.rest.isEmpty { return }
        guard scanner.name() else { return nil }
        var offset = standard + 3600
        if scanner.rest.first != UInt8(ascii: ",") {
            guard let west = scanner.time() else { return nil }
            offset = -west
        }
        guard scanner.take(","), let start = scanner.moment(), scanner.take(","), let end = scanner.moment(), scanner.rest.isEmpty
        else { return nil }
        summer = (offset, start, end)
    }

    private static func seconds(_ moment: Moment, _ year: Int) -> Int64 {
        let newYear = CivilDate.days(year: year, month: 1, day: 1)
        let isLeap = CivilDate.days(year: year + 1, month: 1, day: 1) - newYear == 366
        let day: Int
        switch moment.day {
        case .ofYear(let n): day = newYear + n
        case .julian(let n): day = newYear + n - 1 + (isLeap && n >= 60 ? 1 : 0)
        case .month(let month, let week, let weekday):
            let first = CivilDate.days(year: year, month: month, day: 1)
            let next = month == 12 ? CivilDate.days(year: year + 1, month: 1, day: 1) : CivilDate.days(year: year, month: month + 1, day: 1)
            // 1 January 1970 was a Thursday, 4 counted from Sunday.
            let firstWeekday = ((first + 4) % 7 + 7) % 7
            var found = first + (weekday - firstWeekday + 7) % 7 + (week - 1) * 7
            while found >= next { found -= 7 }
            day = found
        }
        return Int64(day) * 86_400 + moment.time
    }

    private struct Scanner {
        var rest: ArraySlice<UInt8>

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest.removeFirst()
            return true
        }

        mutating func number(_ range: ClosedRange<Int>) -> Int? {
            let digits = rest.prefix { $0 >= 0x30 && $0 <= 0x39 }
            guard !digits.isEmpty, digits.count <= 3 else { return nil }
            rest = rest.dropFirst(digits.count)
            let value = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
            return range.contains(value) ? value : nil
        }

        /// An abbreviation: letters, or anything in `<...>`.
        mutating func name() -> Bool {
            if take("<") {
                guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
                rest = rest[(end + 1)...]
                return true
            }
            let letters = rest.prefix { $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7a }
            rest = rest.dropFirst(letters.count)
            return letters.count >= 3
        }

        /// `[+-]h[:mm[:ss]]` in seconds.
        mutating func time() -> Int64? {
            let sign: Int64 = take("-") ? -1 : 1
            if sign == 1 { _ = take("+") }
            guard let hours = number(0...167) else { return nil }
            var seconds = hours * 3600
            if take(":") {
                guard let minutes = number(0...59) else { return nil }
                seconds += minutes * 60
                if take(":") {
                    guard let more = number(0...59) else { return nil }
                    seconds += more
                }
            }
            return sign * Int64(seconds)
        }

        mutating func moment() -> Moment? {
            let day: Day
            if take("M") {
                guard let month = number(1...12), take("."), let week = number(1...5), take("."), let weekday = number(0...6) else { return nil }
                day = .month(month, week: week, weekday: weekday)
            } else if take("J") {
                guard let n = number(1...365) else { return nil }
                day = .julian(n)
            } else {
                guard let n = number(0...365) else { return nil }
                day = .ofYear(n)
            }
            var time: Int64 = 7200
            if take("/") {
                guard let given = self.time() else { return nil }
                time = given
            }
            return Moment(day: day, time: time)
        }
    }
}

/// Dates of the Gregorian calendar as days since 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
enum CivilDate {
    static func days(year: Int, month: Int, day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// 1...31.
    @inline(__always)
    static func dayOfMonth(_ days: Int) -> Int {
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        return dayOfYear - (153 * month + 2) / 5 + 1
    }
}
