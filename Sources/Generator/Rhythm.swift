/// How busy a shop is through the day and the week (UTC), as factors around 1: their mean over a week is 1, so that the configured
/// rate is the weekly average.
struct Rhythm {
    /// Weight of each hour of the day, at its beginning; linear between. Quiet at 4:00, busiest at 20:00.
    private static let hours: [Double] = [
        0.55, 0.35, 0.22, 0.16, 0.14, 0.18, 0.32, 0.58, 0.85, 1.05, 1.18, 1.25,
        1.32, 1.28, 1.22, 1.20, 1.24, 1.36, 1.58, 1.80, 1.92, 1.75, 1.35, 0.90,
    ]
    /// Weight of each day, Monday first.
    private static let days: [Double] = [0.96, 0.92, 0.92, 0.94, 0.98, 1.10, 1.18]

    private let scale: Double

    init() {
        let dayMean = Self.days.reduce(0, +) / 7
        let hourMean = Self.hours.reduce(0, +) / 24
        scale = 1 / (dayMean * hourMean)
    }

    /// `time` in µs since the epoch; any value.
    func factor(at time: Int64) -> Double {
        let day = floorDivide(time, 86_400_000_000)
        let withinDay = time - day * 86_400_000_000
        let hour = Int(withinDay / 3_600_000_000)
        let part = Double(withinDay - Int64(hour) * 3_600_000_000) / 3_600_000_000
        let from = Self.hours[hour]
        let to = Self.hours[(hour + 1) % 24]
        // 1970-01-01 was a Thursday: day 0 is index 3 of a week that begins on Monday.
        let weekday = Int(((day + 3) % 7 + 7) % 7)
        return (from + (to - from) * part) * Self.days[weekday] * scale
    }
}

/// Division that rounds towards minus infinity; `divisor` above 0.
func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    let quotient = value / divisor
    return value % divisor < 0 ? quotient - 1 : quotient
}
