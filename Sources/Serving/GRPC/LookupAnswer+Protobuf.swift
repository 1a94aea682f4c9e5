internal import FeatureStore
internal import JSONBytes
internal import Serving

extension LookupAnswer {
    /// `millrace.serving.v1.LookupResponse`.
    func protobuf() -> [UInt8] {
        var out = ProtobufWriter(capacity: 256 + plan.featureNames.count * (24 + entries.count * 20))
        out.head(plan, asOf: asOf, freshness: freshness)
        // Spans: iterating an array copies its elements, which counts references.
        let all = entries.span
        for at in all.indices {
            out.message(7) { out in
                let entry = all[at]
                out.string(1, entry.key)
                out.values(entry.vector)
                if plan.fallback != nil {
                    for i in entry.vector.values.indices { out.set(4, plan.levelName(entry.vector, i) ?? "") }
                }
                if statesAge { out.set(5, entry.vector.age) }
            }
        }
        out.positions(positions)
        return out.bytes
    }
}

extension PlainAnswer {
    /// The same of one entity.
    func write(key: UnsafeRawBufferPointer, _ vector: Vector, to out: inout ProtobufWriter) {
        out.head(plan, asOf: asOf, freshness: freshness)
        out.message(7) { out in
            out.set(1, key)
            out.values(vector)
        }
        out.positions(positions)
    }
}

extension ProtobufWriter {
    fileprivate mutating func head(_ plan: VectorPlan, asOf: Int64, freshness: Int64?) {
        string(1, plan.service ?? "")
        int64(2, Int64(plan.version ?? 0))
        string(3, plan.entity)
        int64(4, asOf)
        if let freshness { set(5, freshness) }
        for name in plan.featureNames { set(6, name) }
    }

    fileprivate mutating func values(_ vector: Vector) {
        bool(2, vector.found)
        let features = vector.values.span
        for i in features.indices { message(3) { $0.feature(features[i]) } }
    }

    fileprivate mutating func positions(_ positions: [ShardStatus.SourcePosition]) {
        for position in positions {
            message(8) { out in
                out.string(1, position.topic)
                out.int64(2, Int64(position.partition))
                out.int64(3, position.offset)
                if let end = position.end { out.set(4, end) }
            }
        }
    }

    mutating func feature(_ feature: FeatureValue) {
        if !feature.value.isNull { message(1) { $0.value(feature.value) } }
        int64(2, Int64(feature.status.rawValue))
        if let newest = feature.newestEventTime { set(3, newest) }
    }

    /// `PackedContract`.
    fileprivate mutating func packed(_ columns: VectorColumns) {
        string(1, hexadecimal(columns.fingerprint))
        for part in columns.parts { set(2, part.name) }
        for name in columns.columnNames { set(3, name) }
        int64(4, Int64(columns.sparse))
        for part in columns.parts where part.isSparse {
            message(5) { out in
                out.string(1, part.name)
                out.int64(2, Int64(part.offset))
                out.int64(3, Int64(part.dimension))
                for word in part.keyWords ?? [] { out.set(4, word) }
            }
        }
    }

    /// The `kind` of a `Value`; null is none.
    private mutating func value(_ value: Value) {
        switch value {
        case .null: break
        case .bool(let value): set(1, value)
        case .int(let value): set(2, value)
        case .double(let value): set(3, value)
        case .string(let text): set(4, text)
        case .decimal(let units, let scale): message(5) { $0.decimal(1, units: units, scale: scale) }
        case .list(let elements):
            message(6) { out in
                for element in elements { out.message(1) { $0.value(element) } }
            }
        case .map(let entries):
            message(7) { out in
                for entry in entries {
                    out.message(1) { out in
                        out.string(1, entry.key)
                        out.message(2) { $0.value(entry.value) }
                    }
                }
            }
        }
    }
}

extension LookupService {
    /// `millrace.serving.v1.ListServicesResponse`.
    func servicesProtobuf(isSeen: (String) -> Bool = { _ in true }) -> [UInt8] {
        var out = ProtobufWriter(capacity: 2048)
        for definition in source.definitions.services where isSeen(definition.name) {
            guard let plan = try? source.planService(definition.name) else { continue }
            out.message(1) { out in
                out.string(1, definition.name)
                out.int64(2, Int64(plan.version ?? definition.version))
                out.string(3, plan.entity)
                out.string(4, definition.description)
                for (name, type) in zip(plan.featureNames, plan.types) {
                    out.message(5) { out in
                        out.string(1, name)
                        out.string(2, type.description)
                    }
                }
                if let maxStaleness = plan.maxStaleness { out.set(6, maxStaleness) }
                out.message(7) { $0.packed(plan.columns) }
                for input in plan.inputs {
                    out.message(8) { out in
                        out.string(1, input.name)
                        out.string(2, input.type.description)
                    }
                }
            }
        }
        return out.bytes
    }
}
