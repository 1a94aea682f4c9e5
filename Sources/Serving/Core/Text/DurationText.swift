/// Durations as people write them: `250ms`, `5s`, `2h`.
public enum DurationText {
    private static let units: [(name: String, microseconds: Int64)] = [
        ("us", 1), ("µs", 1), ("ms", 1000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000), ("d", 86_400_000_000),
    ]

    /// A whole number with a unit, in µs; nil when it is not one, or beyond `Int64`.
    public static func parse(_ text: some StringProtocol) -> Int64? {
        let number = text.prefix { $0 >= "0" && $0 <= "9" }
        let unit = text.dropFirst(number.count)
        guard let count = Int64(number), let factor = units.first(where: { $0.name == unit })?.microseconds else { return nil }
        let (result, overflow) = count.multipliedReportingOverflow(by: factor)
        return overflow ? nil : result
    }
}
