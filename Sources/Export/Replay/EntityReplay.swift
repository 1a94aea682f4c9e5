internal import FeatureStore

/// Answers the requests of one entity after another by applying its events to rows, with the editor and the reader that the server has.
///
/// One per thread; all memory is kept from entity to entity.
final class EntityReplay {
    /// What a request is answered with.
    struct Answer {
        var found: Bool
        var values: [FeatureValue]
        var labels: [Value]
    }

    private let plan: ExportPlan
    private let inputs: InputColumns
    private let isAsKnown: Bool
    /// Labels of requests whose horizon ends after this are null.
    private let logEnd: Int64
    /// Decides; builds nothing.
    private let acceptor: RowEditor
    /// Builds rows: one, or one per partition where these are kept apart.
    private var editors: [RowEditor] = []
    /// Goes further than an editor for one answer.
    private let spare: RowEditor
    private var values = ValueArena()
    private var events: [EventCodec.View] = []
    private var labelEvents: [[LabelPlan.Event]]
    /// Events that were neither late nor duplicate, or were, over all entities.
    private(set) var counts = ReplayCounts()

    init(plan: ExportPlan, inputs: InputColumns, isAsKnown: Bool, logEnd: Int64) {
        self.plan = plan
        self.inputs = inputs
        self.isAsKnown = isAsKnown
        self.logEnd = logEnd
        acceptor = RowEditor(plan: plan.replay)
        spare = RowEditor(plan: plan.replay)
        labelEvents = Array(repeating: [], count: plan.labels.count)
    }

    /// `events` are all events of one entity in any order, `requests` its requests in the order of their times. Calls `answer` with each.
    func run(
        events given: [EventCodec.View], requests: ArraySlice<RequestCodec.View>,
        _ answer: (RequestCodec.View, Answer) throws -> Void
    ) throws {
        events = given
        sortIntoLogOrder()
        if isAsKnown {
            if !plan.labels.isEmpty { collectLabels(accept()) }
            try replayAsKnown(requests, answer)
        } else {
            let accepted = accept()
            collectLabels(accepted)
            try replayByEventTime(accepted, requests, answer)
        }
    }

    // MARK: Acceptance

    /// By row, stream and order in the log; a record that came twice, by its offset, stays once.
    private func sortIntoLogOrder() {
        let keepsPartitionsApart = plan.isInAnyShard
        var indexed = events.indices.map { (index: $0, event: events[$0]) }
        indexed.sort { a, b in
            if keepsPartitionsApart, a.event.partition != b.event.partition { return a.event.partition < b.event.partition }
            if a.event.stream != b.event.stream { return a.event.stream < b.event.stream }
            if a.event.partition != b.event.partition { return a.event.partition < b.event.partition }
            if a.event.order != b.event.order { return a.event.order < b.event.order }
            return a.index < b.index
        }
        events.removeAll(keepingCapacity: true)
        for (_, event) in indexed {
            if event.isOffset, let last = events.last, last.isOffset, last.order == event.order,
                last.stream == event.stream, last.partition == event.partition
            {
                counts.repeated += 1
                continue
            }
            events.append(event)
        }
    }

    /// The events that the store accepts when it reads the log, in log order.
    private func accept() -> [EventCodec.View] {
        var accepted: [EventCodec.View] = []
        accepted.reserveCapacity(events.count)
        begin(acceptor)
        var partition: Int32?
        for event in events {
            guard let use = plan.streams[event.stream] else { continue }
            if plan.isInAnyShard, partition != event.partition {
                begin(acceptor)
                partition = event.partition
            }
            guard let position = use.position else {
                accepted.append(event)
                continue
            }
            let outcome = acceptor.accept(stream: position, time: event.time, id: event.id)
            counts.note(outcome)
            if outcome == .applied { accepted.append(event) }
        }
        return accepted
    }

    /// Beginning an empty row never fails.
    private func begin(_ editor: RowEditor) { try? editor.begin(nil) }

    private func collectLabels(_ accepted: [EventCodec.View]) {
        for i in labelEvents.indices { labelEvents[i].removeAll(keepingCapacity: true) }
        guard !plan.labels.isEmpty else { return }
        for event in accepted {
            guard let use = plan.streams[event.stream], !use.labels.isEmpty else { continue }
            values.removeAll()
            let room = values.room(use.fieldCount)
            event.readFields(use.fieldCount, into: room)
            for label in use.labels {
                if let counted = plan.labels[label].event(time: event.time, fields: room) { labelEvents[label].append(counted) }
            }
        }
        for i in labelEvents.indices { labelEvents[i].sort { $0.time < $1.time } }
        values.removeAll()
    }

    private func labels(at time: Int64) -> [Value] {
        plan.labels.indices.map { i in
            if time + plan.labels[i].definition.horizon > logEnd {
                counts.openLabels += 1
                return .null
            }
            return plan.labels[i].value(labelEvents[i], at: time)
        }
    }

    // MARK: Replay

    /// Accepted events in the order of their times: no request is ever asked of a row that knows a later event, so every value is exact.
    private func replayByEventTime(
        _ accepted: [EventCodec.View], _ requests: ArraySlice<RequestCodec.View>,
        _ answer: (RequestCodec.View, Answer) throws -> Void
    ) throws {
        let inTime = accepted.indices.filter { plan.streams[accepted[$0].stream]?.position != nil }
            .sorted { (accepted[$0].time, $0) < (accepted[$1].time, $1) }
        let editor = editor(0)
        begin(editor)
        var next = 0
        var row: UnsafeRawBufferPointer?
        for request in requests {
            let before = next
            while next < inTime.count, accepted[inTime[next]].time <= request.time {
                let event = accepted[inTime[next]]
                withFields(of: event) { editor.put(stream: $0, time: event.time, id: event.id, values: $1) }
                next += 1
                if values.isFull { _ = finish(editor) }
            }
            if next > before { row = finish(editor) }
            try answer(request, self.answer(row.map { [.init(bytes: $0, plan: plan.reading)] } ?? [], to: request))
        }
    }

    /// Events in log order, each from the moment on at which the broker had it.
    private func replayAsKnown(
        _ requests: ArraySlice<RequestCodec.View>, _ answer: (RequestCodec.View, Answer) throws -> Void
    ) throws {
        let inRows = events.filter { plan.streams[$0.stream]?.position != nil }
        var rows = KnownRow.rows(of: inRows, keepingPartitionsApart: plan.isInAnyShard)
        for i in rows.indices { begin(editor(i)) }
        var copies: [UnsafeMutableRawBufferPointer] = []
        for request in requests {
            defer {
                for copy in copies { copy.deallocate() }
                copies.removeAll()
            }
            var read: [RowReader.Row] = []
            for i in rows.indices {
                let editor = editors[i]
                var isBehind = false
                rows[i].advance(to: request.time) { event in
                    apply(event, to: editor, isCounted: plan.labels.isEmpty)
                    isBehind = true
                    if values.isFull { _ = finish(editor) }
                }
                if isBehind { rows[i].bytes = finish(editor) }
                var bytes = rows[i].bytes
                let ahead = rows[i].ahead(at: request.time)
                if !ahead.isEmpty {
                    try spare.begin(bytes)
                    for event in ahead { apply(event, to: spare, isCounted: false) }
                    if let further = finish(spare) {
                        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: further.count, alignment: 16)
                        copy.copyMemory(from: further)
                        copies.append(copy)
                        bytes = UnsafeRawBufferPointer(copy)
                    }
                }
                if let bytes { read.append(.init(bytes: bytes, plan: plan.reading)) }
            }
            try answer(request, self.answer(read, to: request))
        }
    }

    private func editor(_ index: Int) -> RowEditor {
        while editors.count <= index { editors.append(RowEditor(plan: plan.replay)) }
        return editors[index]
    }

    private func apply(_ event: EventCodec.View, to editor: RowEditor, isCounted: Bool) {
        withFields(of: event) { position, values in
            let outcome = editor.apply(stream: position, time: event.time, id: event.id, values: values)
            if isCounted { counts.note(outcome) }
        }
    }

    /// Calls `body` with the position of the event's stream and its values, which stay until `finish`.
    private func withFields(of event: EventCodec.View, _ body: (Int, UnsafePointer<FieldValue>) -> Void) {
        guard let use = plan.streams[event.stream], let position = use.position else { return }
        // The editor skips the keys, and no view reads them.
        let room = values.room(use.keyCount + use.fieldCount)
        room.initialize(repeating: .null, count: use.keyCount)
        event.readFields(use.fieldCount, into: room + use.keyCount)
        body(position, room)
    }

    private func finish(_ editor: RowEditor) -> UnsafeRawBufferPointer? {
        defer { values.removeAll() }
        return editor.finish()
    }

    private func answer(_ rows: [RowReader.Row], to request: RequestCodec.View) throws -> Answer {
        Answer(
            found: !rows.isEmpty,
            values: try RowReader.values(plan.vector.read, rows: rows, at: request.time, inputs: inputs.values(request.cells)),
            labels: labels(at: request.time))
    }
}

/// What became of the events of the requested entities.
public struct ReplayCounts: Sendable, Equatable {
    public var applied = 0
    public var late = 0
    public var duplicate = 0
    /// Records that lay in the logs more than once, known by their offsets.
    public var repeated = 0
    /// Labels that are null because the logs end within their horizon.
    public var openLabels = 0

    public init() {}

    mutating func note(_ outcome: RowEditor.Outcome) {
        switch outcome {
        case .applied: applied += 1
        case .late: late += 1
        case .duplicate: duplicate += 1
        }
    }

    static func += (a: inout ReplayCounts, b: ReplayCounts) {
        a.applied += b.applied
        a.late += b.late
        a.duplicate += b.duplicate
        a.repeated += b.repeated
        a.openLabels += b.openLabels
    }
}
