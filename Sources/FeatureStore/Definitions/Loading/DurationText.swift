/// Durations as the definitions write them: a whole number and s, m, h or d.
package enum DurationText {
    private static let units: [(suffix: Character, microseconds: Microseconds)] = [
        ("d", .days(1)), ("h", .hours(1)), ("m", .minutes(1)), ("s", .seconds(1)),
    ]

    /// For requests: those under a second, too.
    private static let fineUnits: [(suffix: String, microseconds: Microseconds)] = [("ms", 1000), ("us", 1), ("µs", 1)]

    /// Nil when the text is not a duration, or one of more than 100,000 days. `fine` also takes ms, us and µs.
    package static func parse(_ text: String, fine: Bool = false) -> Microseconds? {
        if fine, let unit = fineUnits.first(where: { text.hasSuffix($0.suffix) }) {
            return parse(digits: text.dropLast(unit.suffix.count), unit.microseconds)
        }
        guard let last = text.last, let unit = units.first(where: { $0.suffix == last }) else { return nil }
        return parse(digits: text.dropLast(), unit.microseconds)
    }

    private static func parse(digits: Substring, _ unit: Microseconds) -> Microseconds? {
        guard !digits.isEmpty, digits.utf8.count <= 10, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        guard let count = Int64(digits) else { return nil }
        let (value, overflow) = count.multipliedReportingOverflow(by: unit)
        return overflow || value > .days(100_000) ? nil : value
    }

    /// The shortest way to write it: `24h` and `1440m` give `1d`.
    package static func format(_ duration: Microseconds) -> String {
        if duration == 0 { return "0s" }
        for unit in units where duration % unit.microseconds == 0 { return "\(duration / unit.microseconds)\(unit.suffix)" }
        return "\(duration)µs"
    }

    /// What someone probably meant: `5min` is `5m`, `1w` is `7d`, `1.5h` is `90m`.
    static func suggestion(for text: String) -> String? {
        let text = text.lowercased().filter { $0 != " " }
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let count = Double(digits), count > 0, count < 100_000 else { return nil }
        let seconds: Double
        switch text.dropFirst(digits.count) {
        case "", "s", "sec", "secs", "second", "seconds": seconds = 1
        case "m", "min", "mins", "minute", "minutes": seconds = 60
        case "h", "hr", "hrs", "hour", "hours": seconds = 3600
        case "d", "day", "days": seconds = 86_400
        case "w", "week", "weeks": seconds = 7 * 86_400
        default: return nil
        }
        let total = (count * seconds).rounded()
        // The bounds above keep this far inside Int64.
        return total >= 1 ? format(.seconds(Int64(total))) : nil
    }
}
