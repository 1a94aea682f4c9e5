internal import JSONBytes

extension RetentionReport: CustomStringConvertible {
    /// For a terminal.
    public var description: String {
        // In one unit, rounded up.
        func span(_ value: Microseconds) -> String {
            for unit in [Microseconds.days(1), .hours(1), .minutes(1)] where value >= 3 * unit { return DurationText.format((value + unit - 1) / unit * unit) }
            return "\((value + 999_999) / 1_000_000)s"
        }
        var table = TextTable(
            ["KEPT", "OF", "ENTITY", "DECLARED", "LONGEST FOUND", "OLDEST", "ROWS", "OLDER THAN DECLARED", "WOULD BE PRUNED NOW"], rightAligned: [3, 4, 6, 7, 8])
        for part in parts {
            table.add(
                part.kind.rawValue, part.name, part.entity, part.declared.map(span) ?? "for ever", span(part.longest),
                part.oldest.map { JSONWriter.text(time: $0, characters: 19) } ?? "-", "\(part.rows)", "\(part.violations)", "\(part.prunable)")
        }
        var lines = ["\(rows) rows of \(shards) shards", ""] + table.lines(indent: "") + [""]
        var newest = TextTable(
            ["NEWEST EVENT WITHIN"] + Ages.bounds.map(DurationText.format) + ["LONGER AGO"], rightAligned: Set(1...Ages.bounds.count + 1))
        for entity in ages { newest.add([entity.entity] + entity.rows.map { "\($0)" }) }
        lines += newest.lines(indent: "") + [""]
        if damaged > 0 { lines.append("\(damaged) rows are damaged: run `millrace rebuild`") }
        lines.append(violations == 0 ? "nothing is kept longer than declared" : "\(violations) times something is kept longer than declared: please report this, and run `millrace rebuild`")
        return lines.joined(separator: "\n")
    }
}
