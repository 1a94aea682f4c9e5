internal import FeatureStore
public import JSONBytes

extension LookupAnswer: JSONWritable {
    /// The body of a 200, as docs/API.md describes it.
    public func write(to json: inout JSONWriter) {
        json.answer(contract, asOf: asOf, freshness: freshness) { json in
            for entry in entries {
                var key = entry.key
                key.withUTF8 { json.entry(key: UnsafeRawBufferPointer($0), entry.vector, contract.isPlain ? nil : contract) }
            }
        } positions: { json in
            json.positions(positions)
        }
    }
}

extension JSONWriter {
    @inline(__always)
    mutating func answer(
        _ contract: VectorContract, asOf: Int64, freshness: Microseconds?, entries: (inout JSONWriter) -> Void,
        positions: (inout JSONWriter) -> Void
    ) {
        beginObject()
        raw(contract.jsonHead)
        key("as_of")
        time(asOf)
        key("freshness_ms")
        if let freshness { decimal(units: Int128(freshness), scale: 3) } else { null() }
        raw(contract.jsonFeatures)
        key("results")
        beginArray()
        entries(&self)
        endArray()
        key("positions")
        positions(&self)
        endObject()
    }

    /// `contract`: of a service that is not plain.
    mutating func entry(key name: UnsafeRawBufferPointer, _ vector: Vector, _ contract: VectorContract? = nil) {
        beginObject()
        key("key")
        string(utf8: name)
        key("found")
        bool(vector.found)
        // A span: iterating an array copies its elements, which counts references.
        let features = vector.values.span
        key("values")
        beginArray()
        for i in features.indices { value(features[i].value) }
        endArray()
        key("statuses")
        beginArray()
        for i in features.indices { status(features[i].status) }
        endArray()
        key("newest_event_times")
        beginArray()
        for i in features.indices {
            if let newest = features[i].newestEventTime { time(newest) } else { null() }
        }
        endArray()
        if let contract { origins(vector, contract) }
        endObject()
    }

    /// The levels that the values come from, and how old they are, where the service may fall back or keep values.
    private mutating func origins(_ vector: Vector, _ contract: VectorContract) {
        if contract.plan.fallback != nil {
            key("levels")
            beginArray()
            for i in vector.values.indices { if let name = contract.plan.levelName(vector, i) { string(name) } else { null() } }
            endArray()
        }
        if contract.statesAge {
            key("age_ms")
            decimal(units: Int128(vector.age), scale: 3)
        }
    }

    private mutating func status(_ status: FeatureStatus) {
        switch status {
        case .present: literal(string: "present")
        case .missing: literal(string: "missing")
        case .stale: literal(string: "stale")
        case .defaulted: literal(string: "defaulted")
        case .warming: literal(string: "warming")
        case .fallback: literal(string: "fallback")
        case .overdue: literal(string: "overdue")
        }
    }

    mutating func positions(_ positions: [ShardStatus.SourcePosition]) {
        beginArray()
        for position in positions {
            beginObject()
            member("topic", position.topic)
            key("partition")
            int(Int64(position.partition))
            key("offset")
            int(position.offset)
            key("end")
            if let end = position.end { int(end) } else { null() }
            endObject()
        }
        endArray()
    }
}
