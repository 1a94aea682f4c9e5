public import FeatureStore

extension LookupAnswer {
    /// The body of a 200, as docs/API.md describes it.
    public func json() -> [UInt8] {
        var out = JSONOutput(capacity: 512 + contract.jsonFeatures.count + entries.count * contract.plan.featureNames.count * 56)
        out.raw(contract.jsonHead)
        out.time(asOf)
        out.raw(",\"freshness_ms\":")
        if let freshness { out.decimal(units: Int128(freshness), scale: 3) } else { out.raw("null") }
        out.raw(contract.jsonFeatures)
        for (index, entry) in entries.enumerated() {
            if index > 0 { out.raw(",") }
            out.entry(entry)
        }
        out.raw("],\"positions\":")
        out.positions(positions)
        out.raw("}")
        return out.bytes
    }
}

extension JSONOutput {
    fileprivate mutating func entry(_ entry: LookupAnswer.Entry) {
        raw("{\"key\":")
        string(entry.key)
        entry.vector.found ? raw(",\"found\":true,\"values\":[") : raw(",\"found\":false,\"values\":[")
        for (index, feature) in entry.vector.values.enumerated() {
            if index > 0 { raw(",") }
            value(feature.value)
        }
        raw("],\"statuses\":[")
        for (index, feature) in entry.vector.values.enumerated() {
            if index > 0 { raw(",") }
            switch feature.status {
            case .present: raw("\"present\"")
            case .missing: raw("\"missing\"")
            case .stale: raw("\"stale\"")
            case .defaulted: raw("\"defaulted\"")
            case .warming: raw("\"warming\"")
            }
        }
        raw("],\"newest_event_times\":[")
        for (index, feature) in entry.vector.values.enumerated() {
            if index > 0 { raw(",") }
            if let newest = feature.newestEventTime { time(newest) } else { raw("null") }
        }
        raw("]}")
    }

    mutating func positions(_ positions: [ShardStatus.SourcePosition]) {
        raw("[")
        for (index, position) in positions.enumerated() {
            raw(index > 0 ? ",{\"topic\":" : "{\"topic\":")
            string(position.topic)
            raw(",\"partition\":")
            integer(Int64(position.partition))
            raw(",\"offset\":")
            integer(position.offset)
            raw(",\"end\":")
            if let end = position.end { integer(end) } else { raw("null") }
            raw("}")
        }
        raw("]")
    }

    /// Decimals are numbers with every digit, maps are objects, lists are arrays.
    public mutating func value(_ value: Value) {
        switch value {
        case .null: raw("null")
        case .bool(let value): bool(value)
        case .int(let value): integer(value)
        case .decimal(let units, let scale): decimal(units: units, scale: scale)
        case .double(let value): double(value)
        case .string(let text): string(text)
        case .list(let elements):
            raw("[")
            for (index, element) in elements.enumerated() {
                if index > 0 { raw(",") }
                self.value(element)
            }
            raw("]")
        case .map(let entries):
            raw("{")
            for (index, entry) in entries.enumerated() {
                if index > 0 { raw(",") }
                string(entry.key)
                raw(":")
                self.value(entry.value)
            }
            raw("}")
        }
    }
}
