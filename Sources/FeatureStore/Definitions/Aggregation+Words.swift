extension Aggregation {
    /// What is computed, for people who did not write the definitions.
    var words: String {
        func age(_ duration: Microseconds) -> String { DurationText.format(duration) }
        return switch self {
        case .count(nil): "how many events there are"
        case .count(let field?): "how many events have a \(field)"
        case .sum(let field): "the exact sum of \(field)"
        case .mean(let field): "the mean of \(field): exact sum / number of values"
        case .min(let field): "the smallest \(field)"
        case .max(let field): "the largest \(field)"
        case .first(let field): "the \(field) of the oldest event that has one"
        case .last(let field): "the \(field) of the newest event that has one"
        case .lastN(let field, let n, false): "up to \(n) values of \(field), newest first"
        case .lastN(let field, let n, true): "up to \(n) different values of \(field), newest first"
        case .distinctCount(let field): "how many different values of \(field) there are"
        case .countBy(let by, _): "how many events there are of each \(by)"
        case .sumBy(let field, let by, _): "the exact sum of \(field) for each \(by)"
        case .timeSinceLast: "seconds from the newest event to the time asked for"
        case .timeSinceFirst: "seconds from the oldest event to the time asked for"
        case .deviation(let field): "the standard deviation of \(field)"
        case .percentile(let field, let percent, _, _):
            "the value of \(field) that \(Self.written(percent, digits: 3)) % of the values are below"
        case .topK(let field, let k, _): "the \(k) most frequent values of \(field)"
        case .decayedCount(let field, let halfLife):
            "events\(field.map { " that have a \($0)" } ?? ""), each counting half as much for every \(age(halfLife)) of its age"
        case .decayedSum(let field, let halfLife): "the sum of \(field), each counting half as much for every \(age(halfLife)) of its age"
        case .sessionCount(let gap): "how many sessions there are; one ends where no event comes for longer than \(age(gap))"
        case .sessionLength(let gap): "the mean length of a session in seconds; one ends where no event comes for longer than \(age(gap))"
        case .bounceRate(let gap): "the share of sessions of one event; a session ends where no event comes for longer than \(age(gap))"
        case .streak: "how many UTC days in a row have events"
        case .conversion: "attributed events per event of the stream that they are attributed to"
        }
    }
}
