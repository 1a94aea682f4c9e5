/// What one row keeps of the events of a view, checked.
struct EventPart {
    /// The events of one stream that the row keeps, and the retractions of them that it remembers.
    struct Kept {
        let log: EventLogPlan
        let section: UnsafeRawBufferPointer
        /// The newest event of the stream, if there is one.
        let newest: Int64?
        var retractions: [(plan: RetractionPlan, view: RetractionView?, newest: Int64?)]

        /// Whether the event with this id and time is retracted, as far as is known at `now`, by an event of this row.
        func retracts(_ id: UInt64, _ time: Int64, at now: Int64) -> Bool {
            for (plan, view, _) in retractions {
                if let newest = view?.newest(of: id, notAfter: now), time <= newest + plan.margin { return true }
            }
            return false
        }

        /// Whether every event from `left` on is here, and everything that retracts them; nil: every one ever.
        func knows(_ left: Int64?) -> Bool {
            let cut = EventLogReader.cut(section)
            guard let left else {
                return cut == 0 && retractions.allSatisfy { ($0.view?.cut ?? 0) == 0 }
            }
            if cut != 0, left <= cut { return false }
            if let newest, left < log.oldest(newest: newest) { return false }
            for (plan, view, newest) in retractions {
                if let view, view.cut != 0, left <= view.cut + plan.margin { return false }
                if let newest, let span = plan.span, left < newest - span { return false }
            }
            return true
        }
    }

    /// The view's own, and those that they are attributed to.
    let own: Kept
    let attributed: Kept?
    private let within: Microseconds
    let since: Int64?

    init(_ index: Int, _ view: ViewPlan, in row: RowReader.Row) throws(CorruptRow) {
        own = try Self.kept(.view, index, row)!
        attributed = try Self.kept(.attribution, index, row)
        within = view.definition.attribution?.within ?? 0
        since = index < row.since.count ? row.since[index] : nil
    }

    /// Whether the row can tell a window from `left` on.
    func knows(_ left: Int64?) -> Bool { own.knows(left) && attributed?.knows(left.map { $0 - within }) ?? true }

    /// Whether an event of this part counts for a request at `now`, given all rows' parts. `fields` are its values.
    static func standing(
        id: UInt64, time: Int64, fields: UnsafePointer<FieldValue>, _ parts: [EventPart], _ attribution: Attribution?, at now: Int64
    ) -> Explanation.Event.Standing {
        if parts.contains(where: { $0.own.retracts(id, time, at: now) }) { return .retracted }
        if let attribution, !attribution.includes(time, fields) { return .unattributed }
        return .counts
    }

    private static func kept(
        _ kind: RowFormat.SectionKind, _ view: Int, _ row: RowReader.Row
    ) throws(CorruptRow) -> Kept? {
        let id = row.plan.views[view].id
        guard let log = row.plan.logs.first(where: { $0.kind == kind && $0.id == id }) else { return nil }
        let streams = row.plan.streams
        var section = UnsafeRawBufferPointer(start: nil, count: 0)
        var newest: [Int64?] = Array(repeating: nil, count: streams.count)
        var retractions = row.plan.retractions.filter { $0.target == log.stream && log.appliesRetractions }
            .map { (plan: $0, bytes: UnsafeRawBufferPointer?.none) }
        let whole = RowFormat.sections(of: row.bytes) { found, foundID, bytes in
            if found == kind.rawValue, foundID == id {
                section = bytes
            } else if found == RowFormat.SectionKind.stream.rawValue, bytes.count >= 8 {
                for i in streams.indices where streams[i].id == foundID { newest[i] = bytes.loadUnaligned(as: Int64.self) }
            } else if found == RowFormat.SectionKind.retractions.rawValue {
                for i in retractions.indices where retractions[i].plan.id == foundID { retractions[i].bytes = bytes }
            }
        }
        guard whole else { throw CorruptRow(what: "header or directory") }
        for case let time? in newest where !Store.validTimes.contains(time) { throw CorruptRow(what: "a stream section") }
        if section.count > 0 {
            guard newest[log.stream] != nil, EventLogReader.isWellFormed(section, log) else {
                throw CorruptRow(what: "\(kind) section \(id)")
            }
        }
        var kept = Kept(log: log, section: section, newest: newest[log.stream], retractions: [])
        for (plan, bytes) in retractions {
            let view = bytes.flatMap { RetractionView($0) }
            if bytes != nil, view == nil { throw CorruptRow(what: "retractions section \(plan.id)") }
            kept.retractions.append((plan, view, newest[plan.stream]))
        }
        return kept
    }
}

/// The events, over all rows, that a view's are attributed to; newest first.
struct Attribution {
    private var events: [(time: Int64, value: FieldValue)] = []
    private let field: Int
    private let within: Microseconds

    /// Nil when the view's events count on their own.
    init?(_ parts: [EventPart], _ view: ViewPlan, at time: Int64) {
        guard let definition = view.definition.attribution, let log = parts.first?.attributed?.log,
            let field = view.matchField
        else { return nil }
        self.field = field
        within = definition.within
        withUnsafeTemporaryAllocation(of: FieldValue.self, capacity: Swift.max(log.fieldCount, 1)) { room in
            room.initialize(repeating: .null)
            for case let kept? in parts.map(\.attributed) {
                var reader = EventLogReader(kept.section, kept.log)
                while let event = reader.next(into: room.baseAddress!) {
                    if event.time > time || parts.contains(where: { $0.attributed?.retracts(event.id, event.time, at: time) ?? false }) { continue }
                    events.append((event.time, room[Int(log.fields[0])]))
                }
            }
        }
        if parts.count > 1 { events.sort { $0.time > $1.time } }
    }

    /// Whether an event of the view, with its values, followed one of these.
    func includes(_ time: Int64, _ fields: UnsafePointer<FieldValue>) -> Bool {
        let value = fields[field]
        if value.isNull { return false }
        for event in events where event.time <= time {
            if event.time < time - within { return false }
            if value.isEqual(to: event.value) { return true }
        }
        return false
    }

    /// How many there are from `left` on.
    func count(from left: Int64?) -> Int { events.prefix { left == nil || $0.time >= left! }.count }
}

extension FieldValue {
    /// Equal, and not null.
    func isEqual(to other: FieldValue) -> Bool {
        guard !isNull, kind == other.kind else { return false }
        return kind == .string ? compareBytes(bytes, other.bytes) == 0 : word == other.word
    }
}
