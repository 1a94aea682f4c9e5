internal import FeatureStore

/// A label with its names resolved.
struct LabelPlan: Sendable {
    enum Kind: Sendable, Equatable { case any, count, sum }

    let definition: LabelDefinition
    /// Index into `Definitions.streams`.
    let stream: Int
    let kind: Kind
    /// Indexes into the stream's fields; -1: none.
    let field: Int
    let by: Int
    private let byIsInteger: Bool
    /// Of the sum.
    let scale: Int
    let filter: Filter?

    /// The type of the label, or of each value of a label by a field.
    var type: ValueType {
        switch kind {
        case .any: .bool
        case .count: .int
        case .sum: .decimal(scale: scale)
        }
    }

    init(_ definition: LabelDefinition, entity: String, in definitions: Definitions) throws(ExportError) {
        self.definition = definition
        func fault(_ what: String, _ remedy: String) -> ExportError {
            ExportError("label `\(definition.name)`: \(what)", remedy: remedy)
        }
        func nearest(_ name: String, _ known: [String]) -> String {
            NearestName.of(name, in: known).map { "did you mean `\($0)`?" } ?? "there are: \(known.joined(separator: ", "))"
        }
        guard let index = definitions.streams.firstIndex(where: { $0.name == definition.stream }) else {
            throw fault("there is no stream `\(definition.stream)`", nearest(definition.stream, definitions.streams.map(\.name)))
        }
        let source = definitions.streams[index]
        guard source.keys.contains(where: { $0.entity == entity }) else {
            let fitting = definitions.streams.filter { $0.keys.contains { $0.entity == entity } }.map(\.name)
            throw fault(
                "stream `\(source.name)` has no key of the entity `\(entity)`",
                "streams that do: \(fitting.isEmpty ? "none" : fitting.joined(separator: ", "))")
        }
        func field(_ name: String) throws(ExportError) -> Int {
            guard let index = source.fields.firstIndex(where: { $0.name == name }) else {
                throw fault("stream `\(source.name)` has no field `\(name)`", nearest(name, source.fields.map(\.name)))
            }
            return index
        }
        stream = index
        switch definition.aggregation {
        case .any: (kind, self.field, scale) = (.any, -1, 0)
        case .count: (kind, self.field, scale) = (.count, -1, 0)
        case .sum(let name):
            let found = try field(name)
            switch source.fields[found].type {
            case .int64: (kind, self.field, scale) = (.sum, found, 0)
            case .decimal(let digits): (kind, self.field, scale) = (.sum, found, digits)
            default: throw fault("`\(name)` is not a number", "sum takes int64 and decimal fields")
            }
        }
        if let name = definition.by {
            by = try field(name)
            switch source.fields[by].type {
            case .string: byIsInteger = false
            case .int64, .bool: byIsInteger = true
            default: throw fault("`\(name)` is \(Self.article(source.fields[by].type))", "`by` takes string, int64 and bool fields")
            }
        } else {
            (by, byIsInteger) = (-1, false)
        }
        if let text = definition.filter {
            do throws(ExpressionError) {
                filter = try Filter.compile(text, fields: source.fields)
            } catch { throw fault("`where \(text)`: \(error)", "docs/DEFINITIONS.md has the language of conditions") }
        } else {
            filter = nil
        }
    }

    private static func article(_ type: FieldType) -> String { type.dimension != nil ? "a vector" : type == .double ? "a double" : "a decimal" }

    /// One event that the label counts.
    struct Event {
        var time: Int64
        var units: Int64
        var key: String
    }

    /// Nil when the label does not count an event with these fields.
    func event(time: Int64, fields: UnsafePointer<FieldValue>) -> Event? {
        if let filter, !filter.matches(fields) { return nil }
        var event = Event(time: time, units: 0, key: "")
        if field >= 0 {
            guard fields[field].kind == .integer else { return nil }
            event.units = fields[field].word
        }
        if by >= 0 {
            guard !fields[by].isNull else { return nil }
            event.key = byIsInteger ? String(fields[by].word) : String(decoding: fields[by].bytes, as: UTF8.self)
        }
        return event
    }

    /// The label of a request at `time`, of one entity's events in the order of their times. O(log n + events of the window).
    func value(_ events: [Event], at time: Int64) -> Value {
        let end = time + definition.horizon
        // The first event after `time`.
        var low = 0, high = events.count
        while low < high {
            let middle = (low + high) / 2
            if events[middle].time <= time { low = middle + 1 } else { high = middle }
        }
        if by < 0 {
            if kind == .any { return .bool(low < events.count && events[low].time <= end) }
            var count: Int64 = 0
            var units: Int128 = 0
            while low < events.count, events[low].time <= end {
                count += 1
                units += Int128(events[low].units)
                low += 1
            }
            return kind == .count ? .int(count) : .decimal(units: units, scale: scale)
        }
        var sums: [String: (count: Int64, units: Int128)] = [:]
        while low < events.count, events[low].time <= end {
            let event = events[low]
            let known = sums[event.key] ?? (0, 0)
            sums[event.key] = (known.count + 1, known.units + Int128(event.units))
            low += 1
        }
        let entries = sums.map { key, sum in
            let value: Value = switch kind {
            case .any: .bool(true)
            case .count: .int(sum.count)
            case .sum: .decimal(units: sum.units, scale: scale)
            }
            return Value.MapEntry(key: key, value: value)
        }
        return .map(entries.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) })
    }
}
