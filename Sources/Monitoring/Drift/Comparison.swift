/// What an hour is held against: hours of the past that are like it, in one summary.
package struct Comparison: Sendable {
    package enum Kind: UInt8, Sendable {
        case hourOfWeek, hourOfDay, overall, export

        package var name: String {
            switch self {
            case .hourOfWeek: "hour_of_week"
            case .hourOfDay: "hour_of_day"
            case .overall: "overall"
            case .export: "export"
            }
        }

        /// How much further than the threshold a difference must be, because the hours are not all like this one.
        var factor: Double {
            switch self {
            case .hourOfWeek: 1
            case .hourOfDay: 2
            case .overall, .export: 4
            }
        }
    }

    package var kind: Kind
    package var hours: Int
    package var summary: FeatureSummary
    /// Distinct entities, summed over the hours.
    package var entities: Double
    /// Smallest and largest value of everything recorded; nil: no numbers.
    package var range: ClosedRange<Double>?

    package init(kind: Kind, hours: Int, summary: FeatureSummary, entities: Double, range: ClosedRange<Double>?) {
        (self.kind, self.hours, self.summary, self.entities, self.range) = (kind, hours, summary, entities, range)
    }

    /// So few distinct entities an hour that shares of them say nothing: a singleton, a handful of categories.
    package var isOfFew: Bool { entities / Double(max(hours, 1)) < 30 }

    static let minSeasons = 3
    static let minHours = 24

    /// The hours that may be compared with `hour`, the best kind first.
    static func candidates(_ hour: HourStore.Hour) -> [(kind: Kind, hours: [HourStore.Hour], minimum: Int)] {
        [
            (.hourOfWeek, (1...8).map { hour - 168 * $0 }, minSeasons),
            (.hourOfDay, (1...14).map { hour - 24 * $0 }, minSeasons),
            (.overall, (1...14 * 24).map { hour - $0 }, minHours),
        ]
    }
}
