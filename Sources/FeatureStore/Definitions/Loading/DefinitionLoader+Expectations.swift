/// `expect:` of a field and `volume:` of a stream.
extension DefinitionLoader {
    func readExpectation(_ node: YAMLNode, of field: FieldDefinition) -> FieldExpectation? {
        let label = "expect of field `\(field.name)`"
        guard let section = section(node, label, keys: ["nulls", "min", "max", "values", "max_bytes"]) else { return nil }
        var expectation = FieldExpectation()
        if let node = section["nulls"] {
            if case .scalar(let text, quoted: false) = node.content, let share = Double(text), 0...1 ~= share {
                expectation.nulls = share
            } else {
                fault(node.place, "nulls must be a share of the events, not \(node.shown)", "write a number from 0 (never null) to 1, such as 0.01")
            }
        }
        if let node = section["min"] { expectation.min = bound(node, "min", field) }
        if let node = section["max"] { expectation.max = bound(node, "max", field) }
        if let min = expectation.min, let max = expectation.max, min > max {
            fault(section["max"]?.place ?? section.place, "max is smaller than min", "make max at least as large as min")
        }
        if let node = section["values"], isString(field, "values", node) {
            let nodes = list(node, "values", remedy: "write [EUR, USD], the texts that the field may be") ?? []
            expectation.values = nodes.compactMap { string($0, "value") }
            if nodes.count > 32 { fault(node.place, "values has \(nodes.count) texts; the limit is 32", "leave `values` out, and watch `distinct` of a feature instead") }
            if nodes.isEmpty { fault(node.place, "values is empty", "write [EUR, USD], the texts that the field may be") }
        }
        if let node = section["max_bytes"], isString(field, "max_bytes", node) { expectation.maxBytes = integer(node, "max_bytes", in: 0...65_536) }
        return expectation
    }

    private func bound(_ node: YAMLNode, _ label: String, _ field: FieldDefinition) -> Int64? {
        let scale: Int
        switch field.type {
        case .int64: scale = 0
        case .decimal(let digits): scale = digits
        case .string, .bool, .vector, .double, .doubles:
            fault(node.place, "field `\(field.name)` is no number, so it has no `\(label)`", "remove `\(label)`")
            return nil
        }
        if case .scalar(let text, quoted: false) = node.content, let units = Self.number(text)?.exactly(scale: scale), let word = Int64(exactly: units) {
            return word
        }
        fault(
            node.place, "\(label) of field `\(field.name)` must be a number with at most \(scale) digits after the point, not \(node.shown)",
            "write a number as events have it")
        return nil
    }

    private func isString(_ field: FieldDefinition, _ label: String, _ node: YAMLNode) -> Bool {
        if field.type == .string { return true }
        fault(node.place, "field `\(field.name)` is no string, so it has no `\(label)`", "remove `\(label)`")
        return false
    }

    func readVolume(_ node: YAMLNode, _ label: String) -> VolumeExpectation? {
        guard let section = section(node, "volume of \(label)", keys: ["min", "max"]) else { return nil }
        var volume = VolumeExpectation()
        if let node = section["min"] { volume.min = integer(node, "min", in: 0...1_000_000_000) }
        if let node = section["max"] { volume.max = integer(node, "max", in: 0...1_000_000_000) }
        if volume == VolumeExpectation() { fault(node.place, "volume of \(label) says nothing", "write {min: 100, max: 50000}: events a minute") }
        if let min = volume.min, let max = volume.max, min > max {
            fault(section["max"]?.place ?? section.place, "max is smaller than min", "make max at least as large as min")
        }
        return volume
    }
}
