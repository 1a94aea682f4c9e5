internal import FeatureStore
internal import JSONBytes
internal import Monitoring

/// What `millrace monitor` prints.
enum MonitorTable {
    static func overview(_ report: MonitoringReport) throws -> String {
        let standings = try report.standings(now: Store.now())
        var table = TextTable(["entity", "feature", "state", "hour", "count", "nulls", "mean", "p50", "psi", "shift σ", "compared with"])
        for standing in standings {
            let summary = standing.summary
            let row: [String] = [
                standing.feature.entity, standing.feature.feature, standing.state.rawValue, standing.hour.map(hour) ?? "-",
                summary.map { "\($0.count)" } ?? "-", percent(summary?.nullRate), number(summary.flatMap { $0.numbers > 0 ? $0.mean : nil }),
                number(summary?.sketch.quantile(0.5)), number(standing.measures.first { $0.measure == .psi }?.value),
                number(standing.measures.first { $0.measure == .meanShift }?.value),
                standing.comparison.map { "\($0.kind.name) (\($0.hours))" } ?? "-",
            ]
            table.add(row)
        }
        var lines = table.lines(indent: "")
        lines.append("")
        lines.append(text(report.baseline))
        for alert in report.listed {
            let state = alert.state == .firing ? "ALERT   " : "resolved"
            lines.append(
                "\(state) \(alert.entity) \(alert.feature): \(alert.measure.name) \(number(alert.value)), threshold \(number(alert.threshold)), "
                    + "hour \(hour(alert.hour)), since \(hour(alert.since))")
        }
        return lines.joined(separator: "\n")
    }

    static func series(_ report: MonitoringReport, _ index: Int, hours: Int) throws -> String {
        var table = TextTable(["hour", "count", "nulls", "entities", "mean", "deviation", "min", "p50", "p95", "max", "distinct", "beyond its threshold"])
        for (recorded, entities, judgement) in try report.series(index, hours: hours) {
            let summary = recorded.summary
            let has = summary.numbers > 0
            let alerts = (judgement?.measures ?? []).filter(\.isAlert).map { "\($0.measure.name) \(number($0.value))" }
            let row: [String] = [
                hour(recorded.hour), "\(summary.count)", percent(summary.nullRate), number(entities.rounded()), number(has ? summary.mean : nil),
                number(summary.deviation), number(has ? summary.minimum : nil), number(summary.sketch.quantile(0.5)),
                number(summary.sketch.quantile(0.95)), number(has ? summary.maximum : nil), number(summary.distinct),
                alerts.isEmpty ? judgement == nil ? "not judged" : "-" : alerts.joined(separator: ", "),
            ]
            table.add(row)
        }
        return table.lines(indent: "").joined(separator: "\n")
    }

    static func text(_ baseline: Baseline) -> String {
        switch baseline {
        case .recorded: "baseline: all that was recorded"
        case .window(let from, let to): "baseline: the hours from \(hour(from))" + (to.map { " to \(hour($0))" } ?? " on")
        case .export(let source): "baseline: the training export \(source)"
        }
    }

    private static func hour(_ hour: Int) -> String { JSONWriter.text(time: Int64(hour) * .hours(1), characters: 16) }

    private static func number(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "-" }
        if value == value.rounded(), abs(value) < 1e9 { return String(Int(value)) }
        let size = abs(value)
        let places = size >= 1000 ? 1.0 : size >= 1 ? 100.0 : 10_000.0
        return size < 0.0001 ? "\(value)" : "\((value * places).rounded() / places)"
    }

    private static func percent(_ share: Double?) -> String { share.map { "\(number($0 * 100)) %" } ?? "-" }
}
