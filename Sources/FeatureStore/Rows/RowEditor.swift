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
    /// By stream, the events that the row takes; `finish` gives them to the views.
    private let additions: UnsafeMutablePointer<Additions>
    /// What `apply` asks of each stream: flat, so that an event costs no reference counting.
    private struct StreamFacts {
        var hasIDs: Bool
        var allowedLateness: Microseconds
        var maxIDs: Int
        var keyCount: Int
        /// Whether events of the stream are kept themselves, or retract others.
        var feedsLogs: Bool
        /// Where the stream's groups are in `groups`.
        var firstGroup: Int
        var groupCount: Int
    }
    /// Views of a stream with the same filter, which is asked once for all of them.
    private struct ViewGroup {
        /// The plan keeps it alive.
        var filter: Unmanaged<Filter>?
        /// Where they are in `groupedViews`.
        var firstView: Int
        var viewCount: Int
    }
    private let facts: UnsafeMutablePointer<StreamFacts>
    private let groups: UnsafeMutablePointer<ViewGroup>
    private let groupedViews: UnsafeMutablePointer<Int>
    /// Section id -> index in the plan, or -1.
    private let streamIndexes: [Int]
    private let viewIndexes: [Int]
    /// In the order of their sections.
    private let orderedStreams: [Int]
    private let orderedViews: [Int]
    /// Behind a pointer, because a class's variables are checked for overlapping access each time.
    private struct State: ~Copyable {
        var kept: KeptEvents
        var passing = Additions()
        var output = GrowableBytes(capacity: 4096)
        var changed = false
    }
    private let state: UnsafeMutablePointer<State>

    package init(plan: EntityPlan) {
        self.plan = plan
        streams = .allocate(capacity: plan.streams.count)
        additions = .allocate(capacity: plan.streams.count)
        for i in plan.streams.indices {
            (streams + i).initialize(to: StreamSection())
            (additions + i).initialize(to: Additions())
        }
        timelines = .allocate(capacity: plan.views.count)
        for i in plan.views.indices { (timelines + i).initialize(to: Timeline(plan: plan.views[i])) }
        state = .allocate(capacity: 1)
        state.initialize(to: State(kept: KeptEvents(plan: plan)))

        facts = .allocate(capacity: plan.streams.count)
        groups = .allocate(capacity: plan.views.count)
        groupedViews = .allocate(capacity: plan.views.count)
        var groupCount = 0, viewCount = 0
        for (i, stream) in plan.streams.enumerated() {
            let firstGroup = groupCount
            let tiled = stream.views.filter { !plan.views[$0].keepsEvents }
            for view in tiled {
                let text = plan.views[view].definition.filter
                let alike = tiled.filter { plan.views[$0].definition.filter == text }
                guard alike.first == view else { continue }
                (groups + groupCount).initialize(to: ViewGroup(
                    filter: plan.views[view].filter.map { Unmanaged.passUnretained($0) }, firstView: viewCount, viewCount: alike.count))
                (groupedViews + viewCount).initialize(from: alike, count: alike.count)
                groupCount += 1
                viewCount += alike.count
            }
            (facts + i).initialize(to: StreamFacts(
                hasIDs: stream.hasIDs, allowedLateness: stream.allowedLateness, maxIDs: stream.maxIDs, keyCount: stream.keyCount,
                feedsLogs: plan.keepsEvents(ofStream: i), firstGroup: firstGroup, groupCount: groupCount - firstGroup))
        }
        var streamIndexes = Array(repeating: -1, count: 1 + Int(plan.streams.map(\.id).max() ?? 0))
        var viewIndexes = Array(repeating: -1, count: 1 + Int(plan.views.map(\.id).max() ?? 0))
        for (i, stream) in plan.streams.enumerated() { streamIndexes[Int(stream.id)] = i }
        for (i, view) in plan.views.enumerated() { viewIndexes[Int(view.id)] = i }
        self.streamIndexes = streamIndexes
        self.viewIndexes = viewIndexes
        orderedStreams = plan.streams.indices.sorted { plan.streams[$0].id < plan.streams[$1].id }
        orderedViews = plan.views.indices.sorted { plan.views[$0].id < plan.views[$1].id }
    }

    deinit {
        streams.deinitialize(count: plan.streams.count)
        streams.deallocate()
        additions.deinitialize(count: plan.streams.count)
        additions.deallocate()
        timelines.deinitialize(count: plan.views.count)
        timelines.deallocate()
        state.deinitialize(count: 1)
        state.deallocate()
        facts.deallocate()
        groups.deallocate()
        groupedViews.deallocate()
    }

    /// Takes over a stored row; nil begins an empty one. The bytes are not needed afterwards.
    package func begin(_ row: UnsafeRawBufferPointer?) throws(CorruptRow) {
        for i in plan.streams.indices {
            streams[i].clear()
            additions[i].removeAll()
        }
        for i in plan.views.indices { timelines[i].clear() }
        state.pointee.kept.clear()
        state.pointee.changed = false
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
                    if !streams[stream].exists || !state.pointee.kept.load(.view, id, bytes) { damage = "view section \(id)" }
                } else if !timelines[index].load(bytes, newest: streams[stream].newest) {
                    damage = "view section \(id)"
                }
            case .retractions, .attribution:
                let kind = RowFormat.SectionKind(rawValue: kind)!
                guard let stream = state.pointee.kept.stream(of: kind, id) else { break }
                if !streams[stream].exists || !state.pointee.kept.load(kind, id, bytes) { damage = "\(kind) section \(id)" }
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
        let outcome = accept(stream: index, time: time, id: id)
        if outcome == .applied { (additions + index).pointee.append(.init(time: time, id: id, fields: values + facts[index].keyCount)) }
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
        } else if !advances, !isHeld(time, newest: newest, stream: index) {
            return .late
        }
        state.pointee.changed = true
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
        if !section.pointee.exists || time > section.pointee.newest { section.pointee.newest = time }
        section.pointee.exists = true
        state.pointee.changed = true
        (additions + index).pointee.append(.init(time: time, id: id, fields: values + facts[index].keyCount))
    }

    /// Gives the views the events that were taken since `begin` or the last `finish`.
    private func settle() {
        for index in plan.streams.indices where additions[index].count > 0 {
            let stream = facts[index], newest = streams[index].newest
            additions[index].sort()
            for g in stream.firstGroup..<stream.firstGroup + stream.groupCount {
                let group = groups[g]
                var events = additions[index].all
                if let filter = group.filter {
                    filter._withUnsafeGuaranteedRef { $0.select(events, into: &state.pointee.passing) }
                    events = state.pointee.passing.all
                }
                for i in group.firstView..<group.firstView + group.viewCount { timelines[groupedViews[i]].update(newest: newest, events) }
            }
            if stream.feedsLogs { state.pointee.kept.add(additions[index].all, stream: index) }
            additions[index].removeAll()
        }
        state.pointee.kept.settle { streams[$0].exists ? streams[$0].newest : nil }
    }

    /// Whether a view over the stream has, or could have, a place for an event at `time`.
    private func isHeld(_ time: Int64, newest: Int64, stream index: Int) -> Bool {
        for view in plan.streams[index].views where !plan.views[view].keepsEvents && plan.views[view].levels.holds(time, newest: newest) {
            return true
        }
        return facts[index].feedsLogs && state.pointee.kept.holds(time, newest: newest, stream: index)
    }

    /// The new row, valid until the next `begin` or `finish`; nil when nothing changed since `begin`. More events may follow it.
    package func finish() -> UnsafeRawBufferPointer? {
        guard state.pointee.changed else { return nil }
        settle()
        state.pointee.output.removeAll()
        state.pointee.output.append(RowFormat.version)
        state.pointee.output.append(UInt8(0))
        state.pointee.output.append(UInt16(0))
        var count: UInt16 = 0
        for i in orderedStreams where streams[i].exists {
            appendEntry(.stream, id: plan.streams[i].id, byteCount: streams[i].byteCount)
            count += 1
        }
        for i in orderedViews where viewByteCount(i) > 0 {
            appendEntry(.view, id: plan.views[i].id, byteCount: viewByteCount(i))
            count += 1
        }
        state.pointee.kept.forEachBesidesViews { kind, id, byteCount in
            appendEntry(kind, id: id, byteCount: byteCount)
            count += 1
        }
        state.pointee.output.store(count, at: 2)
        for i in orderedStreams where streams[i].exists { streams[i].save(to: &state.pointee.output) }
        for i in orderedViews where viewByteCount(i) > 0 {
            if plan.views[i].keepsEvents { state.pointee.kept.save(view: i, to: &state.pointee.output) } else { timelines[i].save(to: &state.pointee.output) }
        }
        state.pointee.kept.saveBesidesViews(to: &state.pointee.output)
        return state.pointee.output.bytes
    }

    private func viewByteCount(_ i: Int) -> Int {
        plan.views[i].keepsEvents ? state.pointee.kept.byteCount(view: i) : timelines[i].byteCount
    }

    private func appendEntry(_ kind: RowFormat.SectionKind, id: UInt16, byteCount: Int) {
        state.pointee.output.append(kind.rawValue)
        state.pointee.output.append(UInt8(0))
        state.pointee.output.append(id)
        state.pointee.output.append(UInt32(truncatingIfNeeded: byteCount))
    }
}
