/// The events that rows keep for one view, each with whether it counts: for explanations.
struct EventListing {
    private(set) var parts: [EventPart] = []
    private let attribution: Attribution?
    private let view: ViewPlan
    private let fields: [FieldDefinition]
    private let time: Int64

    init(
        _ view: ViewPlan, _ index: Int, _ rows: [RowReader.Row], _ definitions: Definitions, at time: Int64
    ) throws(CorruptRow) {
        for row in rows { parts.append(try EventPart(index, view, in: row)) }
        attribution = Attribution(parts, view, at: time)
        self.view = view
        fields = definitions.streams[view.stream].fields
        self.time = time
    }

    /// Those of one row that lie in the window.
    func list(row: Int, from left: Int64?) -> Explanation.Events {
        let part = parts[row]
        var events = Explanation.Events()
        withUnsafeTemporaryAllocation(of: FieldValue.self, capacity: Swift.max(part.own.log.fieldCount, 1)) { room in
            room.initialize(repeating: .null)
            let values = room.baseAddress!
            var reader = EventLogReader(part.own.section, part.own.log)
            while let event = reader.next(into: values) {
                if event.time > time {
                    events.newerCount += 1
                } else if let left, event.time < left {
                    events.olderCount += 1
                } else {
                    events.events.append(.init(
                        time: event.time, id: event.id,
                        standing: EventPart.standing(id: event.id, time: event.time, fields: values, parts, attribution, at: time),
                        fields: part.own.log.fields.compactMap { field in
                            values[Int(field)].isNull ? nil : .init(name: fields[Int(field)].name, value: Self.value(values[Int(field)], fields[Int(field)].type))
                        }))
                }
            }
        }
        events.cut = Self.cut(part.own.section)
        if let definition = view.definition.attribution, let other = part.attributed {
            events.attribution = .init(
                stream: definition.stream, within: definition.within, newest: other.newest,
                keptCount: EventLogReader.count(other.section), cut: Self.cut(other.section))
        }
        return events
    }

    private static func cut(_ section: UnsafeRawBufferPointer) -> Int64? {
        let cut = EventLogReader.cut(section)
        return cut == 0 ? nil : cut
    }

    private static func value(_ value: FieldValue, _ type: FieldType) -> Value {
        switch type {
        case .string: .string(String(decoding: value.bytes, as: UTF8.self))
        case .bool: .bool(value.word != 0)
        case .int64: .int(value.word)
        case .decimal(let scale): .decimal(units: Int128(value.word), scale: scale)
        case .double: Value(value.word, .double)
        case .vector(_, let scale): .list(SequenceReader.elements(of: value.bytes, .decimal(scale: scale)))
        case .doubles: .list(SequenceReader.elements(of: value.bytes, .double))
        }
    }
}
