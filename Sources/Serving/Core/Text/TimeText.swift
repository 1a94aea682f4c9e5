/// RFC 3339 times to µs since the epoch, proleptic Gregorian, without Foundation.
public enum TimeText {
    /// Days since 1970-01-01. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
    static func day(year: Int64, month: Int64, day: Int64) -> Int64 {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// `YYYY-MM-DDTHH:MM:SS[.fraction](Z|±HH:MM)`, years 1970 to 9999. Digits past the sixth of the fraction are dropped; a leap second
    /// counts as the last microsecond before it, as Kafka's producers do. Nil when it is not such a time.
    public static func parse(_ text: some StringProtocol) -> Int64? {
        var bytes = Array(text.utf8.prefix(65))[...]
        func digits(_ count: Int) -> Int64? {
            guard bytes.count >= count else { return nil }
            var number: Int64 = 0
            for _ in 0..<count {
                let digit = bytes.removeFirst()
                guard digit >= 0x30, digit <= 0x39 else { return nil }
                number = number * 10 + Int64(digit - 0x30)
            }
            return number
        }
        func skip(_ allowed: String) -> Bool {
            guard let first = bytes.first, allowed.utf8.contains(first) else { return false }
            bytes.removeFirst()
            return true
        }
        guard let year = digits(4), skip("-"), let month = digits(2), skip("-"), let dayOfMonth = digits(2), skip("Tt "),
            let hour = digits(2), skip(":"), let minute = digits(2), skip(":"), let second = digits(2)
        else { return nil }
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths: [Int64] = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard year >= 1970, (1...12).contains(month), (1...lengths[Int(month) - 1]).contains(dayOfMonth), hour <= 23, minute <= 59,
            second <= 60
        else { return nil }
        var microseconds: Int64 = 0
        if skip(".") {
            var count = 0
            while let digit = bytes.first, digit >= 0x30, digit <= 0x39 {
                if count < 6 { microseconds = microseconds * 10 + Int64(digit - 0x30) }
                count += 1
                bytes.removeFirst()
            }
            guard count > 0 else { return nil }
            while count < 6 {
                microseconds *= 10
                count += 1
            }
        }
        var offset: Int64 = 0
        if !skip("Zz") {
            let sign: Int64
            if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
            guard let hours = digits(2), skip(":"), let minutes = digits(2), hours <= 23, minutes <= 59 else { return nil }
            offset = sign * (hours * 3600 + minutes * 60)
        }
        guard bytes.isEmpty else { return nil }
        if second == 60 { microseconds = 999_999 }
        let seconds = day(year: year, month: month, day: dayOfMonth) * 86_400 + hour * 3600 + minute * 60 + min(second, 59) - offset
        return seconds * 1_000_000 + microseconds
    }
}
