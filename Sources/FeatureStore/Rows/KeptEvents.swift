/// What a row keeps besides tiles and sequences, while it is being changed: the logs of events and the retractions.
struct KeptEvents: ~Copyable {
    private let plan: EntityPlan
    private let logs: UnsafeMutablePointer<EventLog>
    private let retractions: UnsafeMutablePointer<RetractionSet>
    /// In the order of their sections.
    private let orderedRetractions: [Int]
    private let orderedAttributions: [Int]
    /// Per view, the log of its own events; -1: none.
    private let logOfView: [Int]

    init(plan: EntityPlan) {
        self.plan = plan
        logs = .allocate(capacity: plan.logs.count)
        for i in plan.logs.indices { (logs + i).initialize(to: EventLog(plan: plan.logs[i])) }
        retractions = .allocate(capacity: plan.retractions.count)
        for i in plan.retractions.indices { (retractions + i).initialize(to: RetractionSet(plan: plan.retractions[i])) }
        orderedRetractions = plan.retractions.indices.sorted { plan.retractions[$0].id < plan.retractions[$1].id }
        orderedAttributions = plan.logs.indices.filter { plan.logs[$0].kind == .attribution }
            .sorted { plan.logs[$0].id < plan.logs[$1].id }
        logOfView = plan.views.map { view in plan.logs.firstIndex { $0.kind == .view && $0.id == view.id } ?? -1 }
    }

    deinit {
        logs.deinitialize(count: plan.logs.count)
        logs.deallocate()
        retractions.deinitialize(count: plan.retractions.count)
        retractions.deallocate()
    }

    mutating func clear() {
        for i in plan.logs.indices { logs[i].clear() }
        for i in plan.retractions.indices { retractions[i].clear() }
    }

    /// Whether an event at `time` would be kept here.
    func holds(_ time: Int64, newest: Int64, stream: Int) -> Bool {
        for log in plan.logs where log.stream == stream && time >= log.oldest(newest: newest) { return true }
        for retractions in plan.retractions where retractions.stream == stream && time >= retractions.oldest(newest: newest) { return true }
        return false
    }

    /// Position of the stream whose events a section holds; nil: of something that is no longer defined.
    func stream(of kind: RowFormat.SectionKind, _ id: UInt16) -> Int? {
        if kind == .retractions { return plan.retractions.first { $0.id == id }?.stream }
        return plan.logs.first { $0.kind == kind && $0.id == id }?.stream
    }

    /// False when the bytes do not have the format.
    mutating func load(_ kind: RowFormat.SectionKind, _ id: UInt16, _ bytes: UnsafeRawBufferPointer) -> Bool {
        if kind == .retractions {
            guard let i = plan.retractions.firstIndex(where: { $0.id == id }), retractions[i].isEmpty else { return false }
            return retractions[i].load(bytes)
        }
        guard let i = plan.logs.firstIndex(where: { $0.kind == kind && $0.id == id }) else { return false }
        return logs[i].load(bytes)
    }

    /// Takes a stream's events, which must stay until `settle`.
    mutating func add(_ events: UnsafeBufferPointer<Addition>, stream: Int) {
        for i in plan.logs.indices where plan.logs[i].stream == stream {
            for event in events where plan.logs[i].filter?.matches(event.fields) ?? true { logs[i].add(event) }
        }
        for i in plan.retractions.indices where plan.retractions[i].stream == stream {
            for event in events {
                if let retracted = plan.retractions[i].retracted(by: event.fields) { retractions[i].insert(retracted, time: event.time) }
            }
        }
    }

    /// Brings all into the form that belongs to the streams' newest event times.
    mutating func settle(_ newest: (_ stream: Int) -> Int64?) {
        for i in plan.logs.indices { if let newest = newest(plan.logs[i].stream) { logs[i].settle(newest: newest) } }
        for i in plan.retractions.indices { if let newest = newest(plan.retractions[i].stream) { retractions[i].settle(newest: newest) } }
    }

    func byteCount(view: Int) -> Int { logs[logOfView[view]].byteCount }
    func save(view: Int, to output: inout GrowableBytes) { logs[logOfView[view]].save(to: &output) }

    /// The sections that are not views', in order.
    func forEachBesidesViews(_ body: (_ kind: RowFormat.SectionKind, _ id: UInt16, _ byteCount: Int) -> Void) {
        for i in orderedRetractions where !retractions[i].isEmpty {
            body(.retractions, plan.retractions[i].id, retractions[i].byteCount)
        }
        for i in orderedAttributions where !logs[i].isEmpty { body(.attribution, plan.logs[i].id, logs[i].byteCount) }
    }

    func saveBesidesViews(to output: inout GrowableBytes) {
        for i in orderedRetractions where !retractions[i].isEmpty { retractions[i].save(to: &output) }
        for i in orderedAttributions where !logs[i].isEmpty { logs[i].save(to: &output) }
    }
}
