public import FeatureStore
internal import JSONBytes

extension Explanation {
    /// The explanation for a terminal of 100 columns: what was asked, then the window as bars, newest first, then the facts.
    public var chart: String { ExplanationChart(self).text }
}

/// Lines are cut at `width`; nothing else is: JSON has all of it.
private struct ExplanationChart {
    static let width = 100
    static let barWidth = 36
    /// Of one row.
    static let maxLines = 100

    private let explanation: Explanation
    private var lines: [String] = []

    init(_ explanation: Explanation) {
        self.explanation = explanation
        var title = "\(explanation.features[0].name) of \(explanation.entity) \(explanation.key), as of \(Self.time(explanation.asOf))"
        if let service = explanation.service, let version = explanation.version { title += ", for service \(service) version \(version)" }
        lines.append(title)
        for (i, feature) in explanation.features.enumerated() {
            lines.append("")
            if i > 0 { lines.append("input \(feature.name)") }
            add(feature)
        }
        lines.append("")
        for shard in explanation.shards { add(shard) }
    }

    var text: String { lines.map(Self.cut).joined(separator: "\n") + "\n" }

    // MARK: Features

    private mutating func add(_ feature: Explanation.Feature) {
        fact("value", "\(Self.value(feature.value.value)) (\(feature.type)), \(feature.value.status)")
        fact("why", feature.reason)
        if let value = feature.defaultValue { fact("default", Self.value(value)) }
        if let newest = feature.value.newestEventTime { fact("newest", "event of the view at \(Self.time(newest))") }
        switch feature.origin {
        case .derived(let expression, let inputs):
            fact("derived", expression)
            for name in inputs {
                guard let input = explanation.features.first(where: { $0.name == name }) else { continue }
                fact("", "\(name) = \(Self.value(input.value.value)), \(input.value.status)")
            }
        case .input: fact("is", "an input: it comes with the request")
        case .view(let origin):
            fact("is", "\(origin.aggregationInWords): \(origin.aggregation)")
            fact("view", "\(origin.view) over stream \(origin.stream)\(origin.filter.map { ", where \($0)" } ?? "")")
            fact("window", Self.window(origin.window))
            fact("version", "view \(hexadecimal(origin.viewFingerprint)), stream \(hexadecimal(origin.streamFingerprint))")
            for row in origin.rows { add(row, origin) }
        }
    }

    private static func window(_ window: Explanation.WindowBounds) -> String {
        guard let left = window.left else { return "\(window.name), to \(time(window.right))" }
        var text = "\(window.name): \(time(left)) to \(time(window.right)), \(window.bound)"
        if let hop = window.hop { text += "; begins on a multiple of \(duration(hop))" }
        if let excess = window.excess, excess > 0 { text += ", this time \(duration(excess)) early" }
        return text
    }

    private mutating func add(_ row: Explanation.RowPart, _ origin: Explanation.ViewOrigin) {
        lines.append("")
        var title = "shard \(row.shard)"
        if origin.rows.count > 1 { title += " gives \(Self.value(row.value.value)), \(row.value.status)" }
        title += row.newest.map { "; newest \(origin.stream) event \(Self.time($0))" } ?? "; no \(origin.stream) event"
        if row.rememberedIDs > 0 { title += "; \(row.rememberedIDs) ids" }
        if let floor = row.idFloor { title += "; late before \(Self.time(floor))" }
        lines.append("  \(title)")
        if let since = row.since { lines.append("  complete since \(Self.time(since))") }
        if !row.isComplete { lines.append("  the row does not keep all of this window") }
        switch row.content {
        case .tiles(let tiles): add(tiles, origin.window)
        case .entries(let entries): addRows(entries.map { (Self.time($0.time), "", Self.value($0.value), nil) }, end: origin.window)
        case .events(let events): add(events, origin.window)
        }
    }

    private mutating func add(_ tiles: Explanation.Tiles, _ window: Explanation.WindowBounds) {
        func row(_ tile: Explanation.Tile) -> (String, String, String, Double?) {
            let length = tile.start.flatMap { start in tile.end.map { Self.duration($0 - start) } } ?? ""
            let start = tile.start.map { Self.time($0) } ?? tile.end.map { "before \(Self.time($0))" } ?? "all"
            return (start, length, Self.value(tile.partial), Self.size(tile.partial))
        }
        if tiles.newerCount > 0 { lines.append("    \(Self.tiles(tiles.newerCount)) begin after the time asked for") }
        addRows(tiles.contributing.map(row), end: window, behind: tiles.leftOut.map(row))
        if tiles.olderCount > 0 { lines.append("    \(Self.tiles(tiles.olderCount)) further back") }
    }

    private static func tiles(_ count: Int) -> String { "\(count) more tile\(count == 1 ? "" : "s")" }

    private mutating func add(_ events: Explanation.Events, _ window: Explanation.WindowBounds) {
        if events.newerCount > 0 { lines.append("    \(events.newerCount) newer than the time asked for") }
        addRows(
            events.events.map { event in
                let fields = event.fields.map { "\($0.name) \(Self.value($0.value))" }.joined(separator: ", ")
                return (Self.time(event.time), event.standing == .counts ? "" : event.standing.rawValue, fields, nil)
            }, end: window)
        if events.olderCount > 0 { lines.append("    \(events.olderCount) older ones are kept") }
        if let cut = events.cut { lines.append("    no room for events up to \(Self.time(cut))") }
        if let other = events.attribution {
            lines.append("    attributed to \(other.stream) within \(Self.duration(other.within)): \(other.keptCount) kept")
        }
    }

    /// Rows of start, length, value and size, then the left edge, then what is left out behind it.
    private mutating func addRows(
        _ rows: [(String, String, String, Double?)], end window: Explanation.WindowBounds, behind: [(String, String, String, Double?)] = []
    ) {
        let shown = rows.prefix(Self.maxLines)
        let all = shown + behind
        let largest = all.compactMap { $0.3.map(abs) }.max() ?? 0
        let widths = (all.map(\.0.count).max() ?? 0, all.map(\.1.count).max() ?? 0, Swift.min(all.map(\.2.count).max() ?? 0, 24))
        func line(_ row: (String, String, String, Double?), _ mark: String) -> String {
            var line = "    " + Self.padded(row.0, widths.0) + "  " + Self.padded(row.1, widths.1) + (widths.1 > 0 ? "  " : "")
            guard let size = row.3, largest > 0 else { return line + row.2 + mark }
            line += String(repeating: " ", count: Swift.max(0, widths.2 - row.2.count)) + row.2 + "  "
            // The smallest part that is not nothing still has a mark.
            let length = size == 0 ? 0 : Swift.max(1, Int((abs(size) / largest * Double(Self.barWidth)).rounded()))
            return line + String(repeating: size < 0 ? "-" : "#", count: length) + mark
        }
        lines += shown.map { line($0, "") }
        if rows.count > shown.count { lines.append("    ... \(rows.count - shown.count) more in the window") }
        if rows.isEmpty { lines.append("    nothing in the window") }
        if let left = window.left { lines.append("    ---- left edge \(Self.time(left)) ----") }
        lines += behind.map { line($0, "  left out") }
    }

    // MARK: Facts

    private mutating func add(_ shard: Explanation.ShardPart) {
        let row = shard.rowBytes.map { "a row of \($0) bytes" } ?? "no row"
        // A reader beside the server does not hear of the log's end.
        let isKnown = shard.status.lagEvents != nil
        let freshness = shard.status.freshness.map { $0 == 0 ? "caught up" : "\(Self.duration($0)) behind" }
        let behind = isKnown ? freshness ?? "freshness not known" : "the end of the log is not known here"
        lines.append("shard \(shard.status.shard): \(row), \(behind)")
        for drops in shard.drops {
            fact("dropped", "of \(drops.stream): \(drops.duplicate) duplicate, \(drops.late) late, \(drops.future) future")
        }
        for position in shard.status.positions {
            let end = position.end.map { " of \($0)" } ?? ""
            fact("read", "\(position.topic) partition \(position.partition), next offset \(position.offset)\(end)")
        }
    }

    /// A label and a text that may need several lines.
    private mutating func fact(_ label: String, _ text: String) {
        let indent = 11
        var line = "  " + Self.padded(label, indent - 2)
        var isFirst = true
        for word in text.split(separator: " ", omittingEmptySubsequences: true) {
            if !isFirst, line.count + 1 + word.count > Self.width {
                lines.append(line)
                line = String(repeating: " ", count: indent)
                isFirst = true
            }
            line += (isFirst ? "" : " ") + word
            isFirst = false
        }
        lines.append(line)
    }

    private static func padded(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: Swift.max(0, width - text.count)) }

    private static func cut(_ line: String) -> String {
        guard line.count > width else { return line }
        return line.prefix(width - 3) + "..."
    }

    // MARK: Values

    /// RFC 3339, without a fraction of zeros.
    private static func time(_ time: Int64) -> String {
        let text = JSONWriter.text(time: time)
        return text.hasSuffix(".000000Z") ? String(text.dropLast(8)) + "Z" : text
    }

    private static func value(_ value: Value) -> String {
        var json = JSONWriter()
        json.value(value)
        return json.text
    }

    private static func duration(_ microseconds: Microseconds) -> String {
        if microseconds % 1_000_000 == 0 { return DurationText.format(microseconds) }
        var json = JSONWriter()
        json.decimal(units: Int128(microseconds), scale: 6)
        return json.text + "s"
    }

    /// How long a bar a value has: itself, the sum of a map, the length of a list; nil: none.
    private static func size(_ value: Value) -> Double? {
        switch value {
        case .null: 0
        case .int(let n): Double(n)
        case .decimal(let units, let scale): Double(units) / (0..<scale).reduce(1) { power, _ in power * 10 }
        case .double(let x): x.isFinite ? x : nil
        case .list(let elements): Double(elements.count)
        case .map(let entries): entries.reduce(0) { $0 + (size($1.value) ?? 0) }
        case .bool, .string: nil
        }
    }
}
