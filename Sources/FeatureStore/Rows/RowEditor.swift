/// Applies events to one row after another. The state after it is a function of the set of events applied, never of their order.
///
///     editor.begin(row)                  // the stored bytes, or nil
///     editor.apply(stream: 0, ...)       // any number of times
///     let bytes = editor.finish()        // the new row
///
/// All memory is kept from row to row. Not `Sendable`: one per writing thread.
package final class RowEditor {
    package enum Outcome: Sendable, Equatable { case applied, duplicate, late }

    private let plan: EntityPlan
    private let streams: UnsafeMutablePointer<StreamSection>
    private let timelines: UnsafeMutablePointer<Timeline>
    /// What `apply` asks of each stream, and the filters of the views: flat, so that an event costs no reference counting. The plan
    /// keeps the filters alive.
    private struct StreamFacts {
        var hasIDs: Bool
        var allowedLateness: Microseconds
        var maxIDs: Int
        var keyCount: Int
        /// Where the stream's views are in `viewsOfStreams`.
        var firstView: Int
        var viewCount: Int
    }
    private let facts: UnsafeMutablePointer<StreamFacts>
    private let viewsOfStreams: UnsafeMutablePointer<Int>
    private let filters: UnsafeMutablePointer<Unmanaged<Filter>?>
    /// Section id -> index in the plan, or -1.
    private var streamIndexes: [Int]
    private var viewIndexes: [Int]
    private var output = GrowableBytes(capacity: 4096)
    private var changed = false

    package init(plan: EntityPlan) {
        self.plan = plan
        streams = .allocate(capacity: plan.streams.count)
        for i in plan.streams.indices { (streams + i).initialize(to: StreamSection()) }
        timelines = .allocate(capacity: plan.views.count)
        for i in plan.views.indices { (timelines + i).initialize(to: Timeline(plan: plan.views[i])) }
        facts = .allocate(capacity: plan.streams.count)
        viewsOfStreams = .allocate(capacity: plan.views.count)
        filters = .allocate(capacity: plan.views.count)
        var firstView = 0
        for (i, stream) in plan.streams.enumerated() {
            (facts + i).initialize(to: StreamFacts(
                hasIDs: stream.hasIDs, allowedLateness: stream.allowedLateness, maxIDs: stream.maxIDs,
                keyCount: stream.keyCount, firstView: firstView, viewCount: stream.views.count))
            (viewsOfStreams + firstView).initialize(from: stream.views, count: stream.views.count)
            firstView += stream.views.count
        }
        for (i, view) in plan.views.enumerated() {
            (filters + i).initialize(to: view.filter.map { Unmanaged.passUnretained($0) })
        }
        streamIndexes = Array(repeating: -1, count: 1 + Int(plan.streams.map(\.id).max() ?? 0))
        viewIndexes = Array(repeating: -1, count: 1 + Int(plan.views.map(\.id).max() ?? 0))
        for (i, stream) in plan.streams.enumerated() { streamIndexes[Int(stream.id)] = i }
        for (i, view) in plan.views.enumerated() { viewIndexes[Int(view.id)] = i }
    }

    deinit {
        streams.deinitialize(count: plan.streams.count)
        streams.deallocate()
        timelines.deinitialize(count: plan.views.count)
        timelines.deallocate()
        facts.deallocate()
        viewsOfStreams.deallocate()
        filters.deallocate()
    }

    /// Takes over a stored row; nil begins an empty one. The bytes are not needed afterwards.
    package func begin(_ row: UnsafeRawBufferPointer?) throws(CorruptRow) {
        for i in plan.streams.indices { streams[i].clear() }
        for i in plan.views.indices { timelines[i].clear() }
        changed = false
        guard let row else { return }
        var damage: String?
        // Sections come in order: every stream before every view.
        let whole = RowFormat.sections(of: row) { kind, id, bytes in
            switch RowFormat.SectionKind(rawValue: kind) {
            case .stream where Int(id) < streamIndexes.count && streamIndexes[Int(id)] >= 0:
                if !streams[streamIndexes[Int(id)]].load(bytes) { damage = "stream section \(id)" }
            case .view where Int(id) < viewIndexes.count && viewIndexes[Int(id)] >= 0:
                let index = viewIndexes[Int(id)]
                let stream = streamPosition(of: plan.views[index])
                if !timelines[index].load(bytes, newest: streams[stream].newest) { damage = "view section \(id)" }
            case .none: damage = "section of unknown kind \(kind)"
            default: break  // of a stream or view that is no longer defined
            }
        }
        if let damage { throw CorruptRow(what: damage) }
        if !whole { throw CorruptRow(what: "header or directory") }
    }

    private func streamPosition(of view: ViewPlan) -> Int {
        for i in plan.streams.indices where plan.streams[i].index == view.stream { return i }
        preconditionFailure("a view's stream describes its entity: checked when the definitions load")
    }

    /// Applies one event of `plan.streams[stream]`. `values` are the event's, keys, then fields; they and what they point at must stay
    /// until `finish`.
    package func apply(stream index: Int, time: Int64, id: UInt64, values: UnsafePointer<FieldValue>) -> Outcome {
        let advances = !streams[index].exists || time > streams[index].newest
        let outcome = accept(stream: index, time: time, id: id)
        if outcome == .applied { addToViews(stream: index, time: time, id: id, values: values, advances: advances) }
        return outcome
    }

    /// The first half of `apply`: whether the row takes the event, given those it has taken. Views stay as they are, so after it the row
    /// is good for further decisions only.
    @inline(__always)
    package func accept(stream index: Int, time: Int64, id: UInt64) -> Outcome {
        let stream = facts[index]
        let section = streams + index
        let advances = !section.pointee.exists || time > section.pointee.newest
        let newest = advances ? time : section.pointee.newest
        if stream.hasIDs {
            if section.pointee.exists {
                if time < section.pointee.newest - stream.allowedLateness { return .late }
                if time < Int64(section.pointee.floorSeconds) * 1_000_000 { return .late }
                if section.pointee.contains(id) { return .duplicate }
            }
        } else if !advances, !isHeld(time, newest: newest, by: stream) {
            return .late
        }
        changed = true
        section.pointee.exists = true
        section.pointee.newest = newest
        if stream.hasIDs {
            section.pointee.insert(id, time: time, maxCount: stream.maxIDs)
            if advances { section.pointee.expire(lateness: stream.allowedLateness) }
        }
        return .applied
    }

    /// The second half of `apply`, for an event that was accepted elsewhere: the row does not remember its id.
    package func put(stream index: Int, time: Int64, id: UInt64, values: UnsafePointer<FieldValue>) {
        let section = streams + index
        let advances = !section.pointee.exists || time > section.pointee.newest
        changed = true
        section.pointee.exists = true
        if advances { section.pointee.newest = time }
        addToViews(stream: index, time: time, id: id, values: values, advances: advances)
    }

    @inline(__always)
    private func addToViews(
        stream index: Int, time: Int64, id: UInt64, values: UnsafePointer<FieldValue>, advances: Bool
    ) {
        let stream = facts[index]
        let newest = streams[index].newest
        let fields = values + stream.keyCount
        for i in stream.firstView..<stream.firstView + stream.viewCount {
            let viewIndex = viewsOfStreams[i]
            if filters[viewIndex]?._withUnsafeGuaranteedRef({ $0.matches(fields) }) ?? true {
                timelines[viewIndex].update(newest: newest, addition: .init(time: time, id: id, fields: fields))
            } else if advances {
                timelines[viewIndex].update(newest: newest, addition: nil)
            }
        }
    }

    /// Whether a view over the stream has, or could have, a tile for `time`.
    private func isHeld(_ time: Int64, newest: Int64, by stream: StreamFacts) -> Bool {
        for i in stream.firstView..<stream.firstView + stream.viewCount
        where timelines[viewsOfStreams[i]].holds(time, newest: newest) { return true }
        return false
    }

    /// The new row, valid until the next `begin` or `finish`; nil when nothing changed since `begin`. More events may follow it.
    package func finish() -> UnsafeRawBufferPointer? {
        guard changed else { return nil }
        for i in plan.views.indices { timelines[i].updateSequences() }
        output.removeAll()
        output.append(RowFormat.version)
        output.append(UInt8(0))
        output.append(UInt16(0))
        var count: UInt16 = 0
        for i in orderedStreams where streams[i].exists {
            appendEntry(.stream, id: plan.streams[i].id, byteCount: streams[i].byteCount)
            count += 1
        }
        for i in orderedViews where !timelines[i].isEmpty {
            appendEntry(.view, id: plan.views[i].id, byteCount: timelines[i].byteCount)
            count += 1
        }
        output.store(count, at: 2)
        for i in orderedStreams where streams[i].exists { streams[i].save(to: &output) }
        for i in orderedViews where !timelines[i].isEmpty { timelines[i].save(to: &output) }
        return output.bytes
    }

    private lazy var orderedStreams = plan.streams.indices.sorted { plan.streams[$0].id < plan.streams[$1].id }
    private lazy var orderedViews = plan.views.indices.sorted { plan.views[$0].id < plan.views[$1].id }

    private func appendEntry(_ kind: RowFormat.SectionKind, id: UInt16, byteCount: Int) {
        output.append(kind.rawValue)
        output.append(UInt8(0))
        output.append(id)
        output.append(UInt32(truncatingIfNeeded: byteCount))
    }
}
