/// What a row keeps of the events of one stream for one view that keeps events: the view's own, or those that its events are attributed to.
package struct EventLogPlan: Sendable {
    /// `.view` or `.attribution`.
    let kind: RowFormat.SectionKind
    /// The view's, and so the section's.
    package let id: UInt16
    /// Position in `EntityPlan.streams`.
    package let stream: Int
    let filter: Filter?
    /// Of all fields of the stream.
    let fieldCount: Int
    /// The fields whose values are kept, ascending.
    let fields: [Int32]
    /// The bytes of each one's value; 0: a string, which has a length.
    let valueBytes: [Int]
    let isVector: [Bool]
    let maxEvents: Int
    /// What each window needs; empty with `hasLifetime`.
    private let reaches: [(length: Microseconds, hop: Microseconds)]
    let hasLifetime: Bool
    private let history: Microseconds
    /// How far before a window's left edge events are needed.
    let lookback: Microseconds
    /// Whether events that are retracted do not count.
    let appliesRetractions: Bool

    init(
        _ view: ViewPlan, kind: RowFormat.SectionKind, stream: Int, source: StreamDefinition, filter: Filter?, fields: Set<Int32>,
        maxEvents: Int, lookback: Microseconds
    ) {
        self.kind = kind
        id = view.id
        self.stream = stream
        self.filter = filter
        fieldCount = source.fields.count
        self.fields = fields.sorted()
        valueBytes = self.fields.map { field in
            let type = source.fields[Int(field)].type
            return type == .string ? 0 : 8 * (type.dimension ?? 1)
        }
        isVector = self.fields.map { source.fields[Int($0)].type.dimension != nil }
        self.maxEvents = maxEvents
        let windows = view.definition.features.map(\.window)
        hasLifetime = windows.contains(.lifetime)
        reaches = hasLifetime ? [] : windows.compactMap(\.reach)
        history = view.definition.history
        self.lookback = lookback
        appliesRetractions = view.definition.appliesRetractions
    }

    /// The oldest time of which events are kept, given the stream's newest event time.
    func oldest(newest: Int64) -> Int64 {
        if hasLifetime { return .min }
        var oldest = Int64.max
        for (length, hop) in reaches { oldest = Swift.min(oldest, floorDown(newest - history, hop) - length) }
        return oldest - lookback
    }

    /// `newest - oldest(newest)` is at most this; nil: there is no bound.
    var span: Microseconds? {
        hasLifetime ? nil : history + lookback + (reaches.map { $0.length + $0.hop }.max() ?? 0)
    }

    var presenceBytes: Int { (fields.count + 7) / 8 }

    /// Bytes of one event, with strings of `stringBytes`.
    func entryBytes(stringBytes: Int) -> Int {
        EventLog.entryHeaderBytes + presenceBytes + valueBytes.reduce(0) { $0 + ($1 == 0 ? 2 + stringBytes : $1) }
    }
}

/// The ids that one stream's events retract, as far as a row remembers them.
package struct RetractionPlan: Sendable {
    /// The retracting stream's, and so the section's.
    let id: UInt16
    /// Positions in `EntityPlan.streams` of the stream that retracts and of the one whose events it retracts.
    let stream: Int
    let target: Int
    let field: Int32
    let filter: Filter?
    let maxIDs: Int
    /// A retraction cancels events up to so much after its own time.
    let margin: Microseconds
    /// For so long events that may be retracted are asked for; nil: for ever.
    let span: Microseconds?

    /// The oldest time of which retractions are remembered, given the retracting stream's newest event time.
    func oldest(newest: Int64) -> Int64 { span.map { newest - $0 - margin } ?? .min }

    /// The id that an event retracts; nil: none.
    func retracted(by fields: UnsafePointer<FieldValue>) -> UInt64? {
        let value = fields[Int(field)]
        if value.isNull { return nil }
        if let filter, !filter.matches(fields) { return nil }
        var id: UInt64 = 0
        value.withKeyBytes { id = XXHash64.hash($0) }
        return id
    }
}
