/// Finishes feature values from stored rows, in place.
///
/// The row's directory is walked once for all views. One pass over a view's tiles, newest first, serves all its windows: they are nested,
/// so the accumulators of a shorter window go on into the next longer one. O(tiles of the longest window × columns), no matter how
/// many windows. What is kept on the way is on the stack, except for strings, maps and distinct values.
package struct RowReader {
    /// One row of the entity, with what its shard says about it.
    package struct Row {
        package var bytes: UnsafeRawBufferPointer
        package var plan: EntityPlan
        /// Per view: the moment from which on this shard has seen the view's events; nil: from the beginning.
        package var since: [Int64?]
        package init(bytes: UnsafeRawBufferPointer, plan: EntityPlan, since: [Int64?] = []) {
            self.bytes = bytes
            self.plan = plan
            self.since = since
        }
    }

    /// The values of `plan` at `time`, merged over `rows` (one per shard that holds the entity; none: an unknown entity). `inputs`: what the
    /// request gives for each of the definitions'; empty: nothing.
    package static func values(
        _ plan: ReadPlan, rows: [Row], at time: Int64, inputs: [Value] = []
    ) throws(CorruptRow) -> [FeatureValue] {
        var values: [FeatureValue] = []
        try self.values(plan, rows: rows.span, at: time, inputs: inputs, into: &values)
        return values
    }

    /// The same in place of what `values` has, in its memory.
    ///
    /// - Parameter rows: a span: a lookup has one row, and that needs no array.
    static func values(
        _ plan: ReadPlan, rows: Span<Row>, at time: Int64, inputs: [Value], into values: inout [FeatureValue]
    ) throws(CorruptRow) {
        values.clear(plan.slots.count)
        try finish(plan, rows, at: time, inputs, into: values.mutableSpan)
        if let outputs = plan.outputs {
            values = outputs.map { values[$0] }
        } else {
            // One after another: taking them off together costs more.
            while values.count > plan.outputCount { values.removeLast() }
        }
        if !plan.treatments.isEmpty { plan.treat(&values) }
    }

    private static func finish(
        _ plan: ReadPlan, _ rows: Span<Row>, at time: Int64, _ inputs: [Value], into slots: consuming MutableSpan<FeatureValue>
    ) throws(CorruptRow) {
        if !rows.isEmpty { try read(plan, rows, at: time, into: &slots) }
        if !inputs.isEmpty {
            for (slot, input) in plan.inputs where !inputs[input].isNull {
                slots[slot] = FeatureValue(value: inputs[input], status: .present, newestEventTime: nil)
            }
        }
        let defaults = plan.slots.span, derived = plan.derived.span
        for i in slots.indices { slots[i].settle(defaults[i], at: time) }
        for i in derived.indices { derive(derived[i], &slots) }
    }

    private static func read(
        _ plan: ReadPlan, _ rows: Span<Row>, at time: Int64, into slots: inout MutableSpan<FeatureValue>
    ) throws(CorruptRow) {
        var damage: CorruptRow?
        withUnsafeTemporaryAllocation(of: RowPart.self, capacity: rows.count * plan.views.count) { parts in
            do throws(CorruptRow) {
                for i in rows.indices {
                    try RowPart.locate(plan, in: rows[i], into: parts, first: i, step: rows.count)
                }
                for part in parts { part.prefetch() }
                // A span lends its elements; an array's are retained for each use.
                let views = plan.views.span
                for i in views.indices {
                    let ofView = UnsafeMutableBufferPointer(rebasing: parts[i * rows.count..<(i + 1) * rows.count])
                    try read(views[i], ofView, rows, at: time, into: &slots)
                }
            } catch {
                damage = error
            }
        }
        if let damage { throw damage }
    }

    private static func read(
        _ view: ReadPlan.ViewRead, _ parts: UnsafeMutableBufferPointer<RowPart>, _ rows: Span<Row>, at time: Int64,
        into slots: inout MutableSpan<FeatureValue>
    ) throws(CorruptRow) {
        if view.plan.keepsEvents { return try EventViewReader(view, rows: rows, time: time).finish(into: &slots) }
        for i in parts.indices { try parts[i].open(view.plan) }
        ViewReader(read: view, parts: parts, time: time).finish(into: &slots)
    }

    private static func derive(_ derived: ReadPlan.Derived, _ slots: inout MutableSpan<FeatureValue>) {
        let inputs = derived.inputs
        let value = derived.derivation.evaluate { slots[inputs[$0]].value }
        var status = FeatureStatus.present
        var newest: Int64?
        // Of unknown entities nothing is known, also where an expression could make a number of nothing.
        var allMissing = !inputs.isEmpty, isForgotten = false
        for input in inputs {
            let of = slots[input].status
            if of == .warming { status = .warming }
            if of == .stale, status == .present { status = .stale }
            if of != .missing { allMissing = false }
            if slots[input].isForgotten { isForgotten = true }
            if let time = slots[input].newestEventTime { newest = Swift.max(newest ?? time, time) }
        }
        if status == .warming {
            slots[derived.slot] = FeatureValue(value: .null, status: .warming, newestEventTime: newest)
        } else if value.isNull || allMissing {
            slots[derived.slot] = FeatureValue(
                value: derived.defaultValue ?? .null, status: derived.defaultValue == nil ? .missing : .defaulted,
                newestEventTime: newest)
        } else {
            slots[derived.slot] = FeatureValue(value: value, status: status, newestEventTime: newest)
        }
        slots[derived.slot].isForgotten = isForgotten
    }
}

extension [FeatureValue] {
    /// Becomes `count` missing values. Allocates nothing where there is memory for so many.
    fileprivate mutating func clear(_ count: Int) {
        while self.count > count { removeLast() }
        reserveCapacity(count)
        // Made anew each time, because copying one looks into it.
        for i in indices { self[i] = FeatureValue(value: .null, status: .missing, newestEventTime: nil) }
        while self.count < count { append(FeatureValue(value: .null, status: .missing, newestEventTime: nil)) }
    }
}

extension FeatureValue {
    /// Gives the default where there is no value, and marks what is older than its `ttl`.
    @inline(__always)
    fileprivate mutating func settle(_ slot: borrowing ReadPlan.Slot, at time: Int64) {
        if status == .missing {
            guard let fallback = slot.defaultValue else { return }
            value = fallback
            status = .defaulted
        } else if status == .present, let ttl = slot.ttl, newestEventTime.map({ time - $0 > ttl }) ?? true {
            status = .stale
        }
    }
}
