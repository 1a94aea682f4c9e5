extension JSONWriter {
    /// A quoted RFC 3339 time in UTC with six digits of seconds, of µs since the epoch. Years beyond 9999 or before 0 are written with a sign
    /// and as many digits as needed.
    public mutating func time(_ microseconds: Int64) {
        reserve(48)
        comma()
        if let last = lastTime, last.microseconds == microseconds {
            let text = UnsafeRawBufferPointer(start: base + last.offset, count: Self.timeBytes)
            return copy(text)
        }
        let start = count
        let (secondsSinceEpoch, fraction) = microseconds.floored(by: 1_000_000)
        let (dayNumber, secondOfDay) = secondsSinceEpoch.floored(by: 86_400)
        let (year, month, day) = Self.civil(day: dayNumber)
        put(UInt8(ascii: "\""))
        if (0...9999).contains(year) {
            putDigits(UInt64(year), width: 4)
        } else {
            put(year < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
            putDigits(year.magnitude, width: 6)
        }
        put(UInt8(ascii: "-"))
        putDigits(month, width: 2)
        put(UInt8(ascii: "-"))
        putDigits(day, width: 2)
        put(UInt8(ascii: "T"))
        putDigits(UInt64(secondOfDay / 3600), width: 2)
        put(UInt8(ascii: ":"))
        putDigits(UInt64(secondOfDay / 60 % 60), width: 2)
        put(UInt8(ascii: ":"))
        putDigits(UInt64(secondOfDay % 60), width: 2)
        put(UInt8(ascii: "."))
        putDigits(UInt64(fraction), width: 6)
        put(UInt8(ascii: "Z"))
        put(UInt8(ascii: "\""))
        if count - start == Self.timeBytes { lastTime = (microseconds, start) }
    }

    /// What `time` writes, without the quotes; cut to so many characters and a `Z`: 19 of whole seconds, 16 of minutes.
    public static func text(time microseconds: Int64, characters: Int? = nil) -> String {
        var json = JSONWriter()
        json.time(microseconds)
        let text = json.text.dropFirst().dropLast()
        return characters.map { String(text.prefix($0)) + "Z" } ?? String(text)
    }

    /// `"YYYY-MM-DDTHH:MM:SS.ffffffZ"`
    private static var timeBytes: Int { 29 }

    /// `1970-01-01` is day 0. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    private static func civil(day: Int64) -> (year: Int64, month: UInt64, day: UInt64) {
        let z = day + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), UInt64(month), UInt64(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
        )
    }
}

extension Int64 {
    /// Quotient rounded down and a remainder that is never negative; holds for every `Int64`.
    fileprivate func floored(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
