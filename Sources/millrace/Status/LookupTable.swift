internal import FeatureStore
internal import Serving

/// An answer as aligned text, one line per value.
struct LookupTable {
    let text: String

    init(_ answer: LookupAnswer) {
        var lines: [String] = []
        for entry in answer.entries {
            lines.append("\(answer.plan.entity) \(entry.key)\(entry.vector.found ? "" : " (not found)")")
            let width = answer.plan.featureNames.map(\.count).max() ?? 0
            for (name, value) in zip(answer.plan.featureNames, entry.vector.values) {
                var output = JSONOutput(capacity: 64)
                output.value(value.value)
                let padding = String(repeating: " ", count: width - name.count)
                var line = "  \(name)\(padding)  \(value.status)  \(String(decoding: output.bytes, as: UTF8.self))"
                if let time = value.newestEventTime {
                    var newest = JSONOutput(capacity: 32)
                    newest.time(time)
                    line += "  (newest event \(String(decoding: newest.bytes, as: UTF8.self)))"
                }
                lines.append(line)
            }
        }
        text = lines.joined(separator: "\n")
    }
}
