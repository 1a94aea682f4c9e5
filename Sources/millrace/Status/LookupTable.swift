internal import FeatureStore
internal import JSONBytes
internal import Serving

/// An answer as aligned text, one line per value.
struct LookupTable {
    let text: String

    init(_ answer: LookupAnswer) {
        var lines: [String] = []
        for entry in answer.entries {
            lines.append("\(answer.plan.entity) \(entry.key)\(entry.vector.found ? "" : " (not found)")")
            let width = answer.plan.featureNames.map(\.count).max() ?? 0
            for (i, (name, value)) in zip(answer.plan.featureNames, entry.vector.values).enumerated() {
                var output = JSONWriter()
                output.value(value.value)
                let padding = String(repeating: " ", count: width - name.count)
                var line = "  \(name)\(padding)  \(value.status)  \(output.text)"
                if let time = value.newestEventTime {
                    var newest = JSONWriter()
                    newest.time(time)
                    line += "  (newest event \(newest.text))"
                }
                if let level = answer.plan.levelName(entry.vector, i), level != answer.plan.entity { line += "  (from \(level))" }
                lines.append(line)
            }
        }
        text = lines.joined(separator: "\n")
    }
}
