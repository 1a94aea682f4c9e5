/// The Prometheus text exposition format, version 0.0.4.
///
/// Families of the same name, as two sources may give them, are joined under one header: the format allows each name once.
public func prometheusText(_ families: [MetricFamily]) -> String {
    var joined: [MetricFamily] = []
    var indexes: [String: Int] = [:]
    for family in families {
        if let index = indexes[family.name] {
            joined[index].samples += family.samples
        } else {
            indexes[family.name] = joined.count
            joined.append(family)
        }
    }
    var text = ""
    for family in joined {
        text += "# HELP \(family.name) \(escaped(family.help, quotes: false))\n"
        text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
        for sample in family.samples {
            text += family.name
            text += sample.suffix
            if !sample.labels.isEmpty {
                text += "{"
                text += sample.labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }.joined(separator: ",")
                text += "}"
            }
            text += " \(prometheusNumber(sample.value))\n"
        }
    }
    return text
}

/// Integers without a fraction, everything else in the shortest form that reads back the same.
func prometheusNumber(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if let integer = Int64(exactly: value), integer.magnitude < 1 << 53 { return String(integer) }
    return value.description
}

/// Help escapes backslash and line feed; label values escape the quote too.
private func escaped(_ text: String, quotes: Bool) -> String {
    guard text.utf8.contains(where: { $0 == 0x5c || $0 == 0x0a || $0 == 0x22 }) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\"" where quotes: result += "\\\""
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
