internal import FeatureStore

/// Times such as `90s`, `30m`, `2h`, `1d` in options.
enum Durations {
    static func microseconds(_ text: String) -> Microseconds? {
        guard let unit = text.last, let number = Int64(text.dropLast()), number >= 0 else { return nil }
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let seconds = units[unit] else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: seconds * 1_000_000)
        return overflow ? nil : product
    }
}
