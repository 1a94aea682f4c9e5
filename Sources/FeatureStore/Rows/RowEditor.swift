/// Applies events to one row after another. The state after it is a function of the set of events applied, never of their order.
///
///     editor.begin(row)                  // the stored bytes, or nil
///     editor.apply(stream: 0, ...)       // any number of times
///     let bytes = editor.finish()        // the new row
///
/// All memory is kept from row to row. Not `Sendable`: one per writing thread.
package final class RowEditor {
    package enum Outcome: Sendable, Equatable {
        case applied, duplicate, late

        /// Nil: it was applied.
        @inline(__always)
        package var dropReason: DropReason? {
            switch self {
            case .applied: nil
            case .duplicate: .duplicate
            case .late: .late
            }
        }
    }

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
        /// Whether events of the stream are kept themselves, or retract others.
        var feedsLogs: Bool
    }
    private let facts: UnsafeMutablePointer<StreamFacts>
    private let viewsOfStreams: UnsafeMutablePointer<Int>
    private let filters: UnsafeMutablePointer<Unmanaged<Filter>?>
    private var kept: KeptEvents
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
        kept = KeptEvents(plan: plan)
        filters = .allocate(capacity: plan.views.count)
        var firstView = 0
        for (i, stream) in plan.streams.enumerated() {
            let tiled = stream.views.filter { !plan.views[$0].keepsEvents }
            (facts + i).initialize(to: StreamFacts(
                hasIDs: stream.hasIDs, allowedLateness: stream.allowedLateness, maxIDs: stream.maxIDs,
                keyCount: stream.keyCount, firstView: firstView, viewCount: tiled.count, feedsLogs: plan.keepsEvents(ofStream: i)))
            (viewsOfStreams + firstView).initialize(from: tiled, count: tiled.count)
            firstView += tiled.count
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
        kept.clear()
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
                if plan.views[index].keepsEvents {
                    if !streams[stream].exists || !kept.load(.view, id, bytes) { damage = "view section \(id)" }
                } else if !timelines[index].load(bytes, newest: streams[stream].newest) {
                    damage = "view section \(id)"
                }
            case .retractions, .attribution:
                let kind = RowFormat.SectionKind(rawValue: kind)!
                guard let stream = kept.stream(of: kind, id) else { break }
                if !streams[stream].exists || !kept.load(kind, id, bytes) { damage = "\(kind) section \(id)" }
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
        } else if !advances, !isHeld(time, newest: newest, by: stream, index) {
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
        if stream.feedsLogs { kept.add(stream: index, time: time, id: id, fields: fields) }
    }

    /// Whether a view over the stream has, or could have, a tile for `time`.
    private func isHeld(_ time: Int64, newest: Int64, by stream: StreamFacts) -> Bool {
        for i in stream.firstView..<stream.firstView + stream.viewCount
        where timelines[viewsOfStreams[i]].holds(time, newest: newest) { return true }
        return false
    }

    /// As `isHeld`, with what is kept besides tiles.
    private func isHeld(_ time: Int64, newest: Int64, by stream: StreamFacts, _ index: Int) -> Bool {
        isHeld(time, newest: newest, by: stream) || (stream.feedsLogs && kept.holds(time, newest: newest, stream: index))
    }

    /// The new row, valid until the next `begin` or `finish`; nil when nothing changed since `begin`. More events may follow it.
    package func finish() -> UnsafeRawBufferPointer? {
        guard changed else { return nil }
        for i in plan.views.indices { timelines[i].updateSequences() }
        kept.settle { streams[$0].exists ? streams[$0].newest : nil }
        output.removeAll()
        output.append(RowFormat.version)
        output.append(UInt8(0))
        output.append(UInt16(0))
        var count: UInt16 = 0
        for i in orderedStreams where streams[i].exists {
            appendEntry(.stream, id: plan.streams[i].id, byteCount: streams[i].byteCount)
            count += 1
        }
        for i in orderedViews where viewByteCount(i) > 0 {
            appendEntry(.view, id: plan.views[i].id, byteCount: viewByteCount(i))
            count += 1
        }
        kept.forEachBesidesViews { kind, id, byteCount in
            appendEntry(kind, id: id, byteCount: byteCount)
            count += 1
        }
        output.store(count, at: 2)
        for i in orderedStreams where streams[i].exists { streams[i].save(to: &output) }
        for i in orderedViews where viewByteCount(i) > 0 {
            if plan.views[i].keepsEvents { kept.save(view: i, to: &output) } else { timelines[i].save(to: &output) }
        }
        kept.saveBesidesViews(to: &output)
        return output.bytes
    }

    private lazy var orderedStreams = plan.streams.indices.sorted { plan.streams[$0].id < plan.streams[$1].id }
    private lazy var orderedViews = plan.views.indices.sorted { plan.views[$0].id < plan.views[$1].id }

    private func viewByteCount(_ i: Int) -> Int {
        plan.views[i].keepsEvents ? kept.byteCount(view: i) : timelines[i].byteCount
    }

    private func appendEntry(_ kind: RowFormat.SectionKind, id: UInt16, byteCount: Int) {
        output.append(kind.rawValue)
        output.append(UInt8(0))
        output.append(id)
        output.append(UInt32(truncatingIfNeeded: byteCount))
    }
}
