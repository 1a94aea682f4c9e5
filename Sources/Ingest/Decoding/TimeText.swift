/// RFC 3339 date-times, read from their bytes.
enum TimeText {
    /// µs since the epoch; nil when the text is not a date-time of RFC 3339, section 5.6. Years 0000 to 9999.
    ///
    /// Fractions may have up to nine digits and are cut to µs. The second 60 exists only as 23:59:60 UTC and is read as
    /// 59.999999: the epoch has no place for it.
    static func parseRFC3339(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard text.count >= 20,
            let year = number(text, 0, 4), text[4] == UInt8(ascii: "-"),
            let month = number(text, 5, 2), text[7] == UInt8(ascii: "-"), 1...12 ~= month,
            let day = number(text, 8, 2), day >= 1, day <= daysInMonth(month, year),
            text[10] | 0x20 == UInt8(ascii: "t") || text[10] == UInt8(ascii: " "),
            let hour = number(text, 11, 2), hour <= 23, text[13] == UInt8(ascii: ":"),
            let minute = number(text, 14, 2), minute <= 59, text[16] == UInt8(ascii: ":"),
            let second = number(text, 17, 2), second <= 60
        else { return nil }
        var at = 19
        var micros = 0
        if text[at] == UInt8(ascii: ".") {
            at += 1
            let start = at
            var unit = 100_000
            while at < text.count, 0x30...0x39 ~= text[at] {
                micros += Int(text[at] & 15) * unit
                unit /= 10
                at += 1
            }
            guard 1...9 ~= at - start else { return nil }
        }
        guard let offsetMinutes = offset(text, from: at) else { return nil }
        let isLeap = second == 60
        let seconds = days(year, month, day) * 86_400 + hour * 3_600 + (minute - offsetMinutes) * 60 + (isLeap ? 59 : second)
        if isLeap {
            guard (seconds + 1) % 86_400 == 0 else { return nil }
            micros = 999_999
        }
        return Int64(seconds) * 1_000_000 + Int64(micros)
    }

    /// `Z` or `±hh:mm` up to the end, in minutes east of UTC.
    private static func offset(_ text: UnsafeRawBufferPointer, from at: Int) -> Int? {
        guard at < text.count else { return nil }
        if text[at] | 0x20 == UInt8(ascii: "z") { return text.count == at + 1 ? 0 : nil }
        guard text[at] == UInt8(ascii: "+") || text[at] == UInt8(ascii: "-"), text.count == at + 6,
            let hours = number(text, at + 1, 2), hours <= 23, text[at + 3] == UInt8(ascii: ":"),
            let minutes = number(text, at + 4, 2), minutes <= 59
        else { return nil }
        return (text[at] == UInt8(ascii: "-") ? -1 : 1) * (hours * 60 + minutes)
    }

    /// `count` digits at `offset`, which lie within the text.
    @inline(__always)
    private static func number(_ text: UnsafeRawBufferPointer, _ offset: Int, _ count: Int) -> Int? {
        var value = 0
        for n in offset..<offset + count {
            guard 0x30...0x39 ~= text[n] else { return nil }
            value = value * 10 + Int(text[n] & 15)
        }
        return value
    }

    private static func daysInMonth(_ month: Int, _ year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01 of the proleptic Gregorian calendar.
    /// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

/// The same for request lists; Serving has a `TimeText`, too.
package enum RFC3339 {
    package static func parse(_ text: UnsafeRawBufferPointer) -> Int64? { TimeText.parseRFC3339(text) }
}
