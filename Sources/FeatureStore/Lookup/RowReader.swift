/// Finishes feature values from stored rows, in place.
///
/// One pass over a view's tiles, newest first, serves all its windows: they are nested, so the accumulators of a shorter window go on into
/// the next longer one. O(tiles of the longest window × columns), no matter how many windows.
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

    /// A view's part of one row.
    fileprivate struct Part {
        var view: ViewPlan
        /// Of the stream; 0: no event yet, and no event is that old.
        var newest: Int64
        var sequences: UnsafeRawBufferPointer
        var tiles: UnsafeRawBufferPointer
        var at = 0
        var since: Int64?
    }

    /// The values of `plan` at `time`, merged over `rows` (one per shard that holds the entity; none: an unknown entity).
    package static func values(
        _ plan: ReadPlan, rows: [Row], at time: Int64, views: [ViewPlan]
    ) throws(CorruptRow) -> [FeatureValue] {
        var slots = [FeatureValue](
            repeating: FeatureValue(value: .null, status: .missing, newestEventTime: nil), count: plan.slots.count)
        if !rows.isEmpty {
            for read in plan.views { try readView(read, views[read.view], rows: rows, at: time, into: &slots, plan) }
        }
        for (i, slot) in plan.slots.enumerated() { slots[i].settle(slot, at: time) }
        for derived in plan.derived { derive(derived, &slots) }
        return plan.outputs.map { slots[$0] }
    }

    private static func derive(_ derived: ReadPlan.Derived, _ slots: inout [FeatureValue]) {
        let inputs = derived.inputs
        let value = derived.derivation.evaluate { slots[inputs[$0]].value }
        var status = FeatureStatus.present
        var newest: Int64?
        for input in inputs {
            if slots[input].status == .warming { status = .warming }
            if slots[input].status == .stale, status == .present { status = .stale }
            if let time = slots[input].newestEventTime { newest = Swift.max(newest ?? time, time) }
        }
        // Of unknown entities nothing is known, also where an expression could make a number of nothing.
        let allMissing = !inputs.isEmpty && inputs.allSatisfy { slots[$0].status == .missing }
        if status == .warming {
            slots[derived.slot] = FeatureValue(value: .null, status: .warming, newestEventTime: newest)
        } else if value.isNull || allMissing {
            slots[derived.slot] = FeatureValue(
                value: derived.defaultValue ?? .null, status: derived.defaultValue == nil ? .missing : .defaulted,
                newestEventTime: newest)
        } else {
            slots[derived.slot] = FeatureValue(value: value, status: status, newestEventTime: newest)
        }
    }

    private static func readView(
        _ read: ReadPlan.ViewRead, _ view: ViewPlan, rows: [Row], at time: Int64, into slots: inout [FeatureValue],
        _ plan: ReadPlan
    ) throws(CorruptRow) {
        var parts: [Part] = []
        parts.reserveCapacity(rows.count)
        for row in rows {
            if let part = try part(read, of: row) { parts.append(part) }
        }
        var newest: Int64?
        for part in parts {
            SequenceCells.forEach(0, of: part.view, in: part.sequences) { entry, _, _, _ in
                guard entry <= time else { return true }
                newest = Swift.max(newest ?? entry, entry)
                return false
            }
        }
        var accumulators = (read.fixed + read.variable).map { Accumulator($0) }
        for window in read.windows(at: time) {
            let left = window.window.leftEdge(at: time)
            var isWarming = false, isKnown = true
            for i in parts.indices {
                if let since = parts[i].since, left ?? .min < since { isWarming = true }
                if !parts[i].reaches(window.window, left: left, at: time) { isKnown = false }
                accumulate(&parts[i], down: left, at: time, read, &accumulators)
            }
            for (slot, finish) in window.features {
                if isWarming {
                    slots[slot] = FeatureValue(value: .null, status: .warming, newestEventTime: newest)
                    continue
                }
                let value = value(finish, parts, &accumulators, left: left, at: time, tilesKnown: isKnown)
                slots[slot] = FeatureValue(
                    value: value, status: value.isNull ? .missing : .present, newestEventTime: newest)
            }
        }
    }

    private static func part(_ read: ReadPlan.ViewRead, of row: Row) throws(CorruptRow) -> Part? {
        let view = row.plan.views[read.view]
        let stream = row.plan.streams[read.stream]
        var newest: Int64?
        var section: UnsafeRawBufferPointer?
        let whole = RowFormat.sections(of: row.bytes) { kind, id, bytes in
            if kind == RowFormat.SectionKind.stream.rawValue, id == stream.id, bytes.count >= 8 {
                newest = bytes.loadUnaligned(as: Int64.self)
            } else if kind == RowFormat.SectionKind.view.rawValue, id == view.id {
                section = bytes
            }
        }
        guard whole else { throw CorruptRow(what: "header or directory") }
        if let newest, !Store.validTimes.contains(newest) { throw CorruptRow(what: "stream section \(stream.id)") }
        let since = read.view < row.since.count ? row.since[read.view] : nil
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        guard let section else {
            return Part(view: view, newest: newest ?? 0, sequences: empty, tiles: empty, since: since)
        }
        guard section.count >= 4, let newest else { throw CorruptRow(what: "view section \(view.id)") }
        let sequenceBytes = Int(section.loadUnaligned(as: UInt32.self))
        guard sequenceBytes <= section.count - 4 else { throw CorruptRow(what: "view section \(view.id)") }
        let tiles = UnsafeRawBufferPointer(rebasing: section[(4 + sequenceBytes)...])
        guard TileWalk.isWellFormed(tiles, plan: view) else { throw CorruptRow(what: "tiles of view section \(view.id)") }
        return Part(
            view: view, newest: newest, sequences: UnsafeRawBufferPointer(rebasing: section[4..<4 + sequenceBytes]),
            tiles: tiles, since: since)
    }

    /// Takes the tiles from where the last window ended down to `left`.
    private static func accumulate(
        _ part: inout Part, down left: Int64?, at time: Int64, _ read: ReadPlan.ViewRead,
        _ accumulators: inout [Accumulator]
    ) {
        let view = part.view
        let hasVariable = !view.variableColumns.isEmpty
        while part.at < part.tiles.count {
            let tile = part.tiles.baseAddress! + part.at
            let start = Int64(tile.loadUnaligned(as: UInt32.self)) * 1_000_000
            if let left, start < left || start == Levels.lifetimeStart { return }
            let variableBytes = hasVariable ? Int(tile.loadUnaligned(fromByteOffset: 4, as: UInt32.self)) : 0
            part.at += view.headerBytes + view.fixedBytes + variableBytes
            if start > time { continue }
            let cells = tile + view.headerBytes
            for i in read.fixed.indices { accumulators[i].add(fixed: cells + Int(read.fixed[i].position)) }
            guard !read.variable.isEmpty else { continue }
            var cell = cells + view.fixedBytes
            for column in view.variableColumns {
                let payload = UnsafeRawBufferPointer(start: cell + 4, count: Int(cell.loadUnaligned(as: UInt32.self)))
                if let i = read.variable.firstIndex(where: { $0.position == column.position }) {
                    accumulators[read.fixed.count + i].add(payload: payload)
                }
                cell += 4 + payload.count
            }
        }
    }

    private static func value(
        _ finish: ReadPlan.Finish, _ parts: [Part], _ accumulators: inout [Accumulator], left: Int64?, at time: Int64,
        tilesKnown: Bool
    ) -> Value {
        switch finish {
        case .last(let index, let type):
            return Sequence(parts, index, left: left, at: time).list(n: 1, distinct: false, type).first ?? .null
        case .list(let index, let n, let distinct, let type):
            let sequence = Sequence(parts, index, left: left, at: time)
            return sequence.isKnown ? .list(sequence.list(n: n, distinct: distinct, type)) : .null
        case .timeSince:
            guard let newest = Sequence(parts, 0, left: left, at: time).newest else { return .null }
            return .decimal(units: Int128(time - newest), scale: 6)
        default: break
        }
        guard tilesKnown else { return .null }
        switch finish {
        case .count(let i): return .int(Int64(clamping: accumulators[i].count))
        case .sum(let i, let scale): return .decimal(units: accumulators[i].sum, scale: scale)
        case .mean(let sum, let count, let scale):
            let n = accumulators[count].count
            return n == 0 ? .null : .double(nearestDouble(accumulators[sum].sum, over: Int128(n) * powerOfTen(scale)))
        case .integer(let i, let type):
            let word = accumulators[i].integer
            return word == TileColumn.none ? .null : scalar(word, type)
        case .firstString(let i): return accumulators[i].string.map { .string(String(decoding: $0, as: UTF8.self)) } ?? .null
        case .distinct(let i): return .int(accumulators[i].distinctCount())
        case .countMap(let i): return .map(accumulators[i].map { .int(Int64(clamping: $0)) })
        case .sumMap(let i, let scale): return .map(accumulators[i].map { .decimal(units: $0, scale: scale) })
        case .last, .list, .timeSince: return .null
        }
    }

    fileprivate static func scalar(_ word: Int64, _ type: ValueType) -> Value {
        switch type {
        case .bool: .bool(word != 0)
        case .decimal(let scale): .decimal(units: Int128(word), scale: scale)
        default: .int(word)
        }
    }

    private static func powerOfTen(_ n: Int) -> Int128 { (0..<n).reduce(1) { power, _ in power * 10 } }

    /// The entries of one sequence column, over all rows, from `left` to `time`.
    private struct Sequence {
        private var entries: [(time: Int64, id: UInt64, integer: Int64, string: UnsafeRawBufferPointer)] = []
        /// False when entries that belong here may have been left out: `time` lies before what is kept.
        private(set) var isKnown = true

        init(_ parts: [Part], _ index: Int, left: Int64?, at time: Int64) {
            for part in parts {
                let column = part.view.sequences[index]
                var kept = 0, older = 0, within = 0
                SequenceCells.forEach(index, of: part.view, in: part.sequences) { entryTime, id, integer, string in
                    kept += 1
                    if entryTime <= part.newest - part.view.levels.history { older += 1 }
                    guard entryTime <= time else { return true }
                    within += 1
                    if left == nil || entryTime >= left! { entries.append((entryTime, id, integer, string)) }
                    return true
                }
                // Before the history only the newest n are kept; some of them may be newer than `time`.
                if time < part.newest - part.view.levels.history, older >= Int(column.n) || column.distinct, within < kept,
                    column.distinct || within < Int(column.n) {
                    isKnown = false
                }
                if let left, let oldest = part.view.levels.oldest(newest: part.newest), time < part.newest,
                    !part.view.levels.hasLifetime, left < oldest {
                    isKnown = false
                }
            }
            // The entries of one row lie in this order already.
            if parts.count > 1 { entries.sort { ($0.time, $0.id) > ($1.time, $1.id) } }
        }

        var newest: Int64? { isKnown ? entries.first?.time : nil }

        func list(n: Int, distinct: Bool, _ type: ValueType) -> [Value] {
            guard isKnown else { return [] }
            var list: [Value] = []
            for entry in entries {
                if list.count == n { break }
                let value: Value =
                    type == .string ? .string(String(decoding: entry.string, as: UTF8.self)) : scalar(entry.integer, type)
                if distinct, list.contains(value) { continue }
                list.append(value)
            }
            return list
        }
    }
}

extension RowReader.Part {
    /// Whether the tiles kept can tell the window of a request at `time`: always at or after the stream's newest event; before it only
    /// as far as tiles fine enough are kept.
    fileprivate func reaches(_ window: Window, left: Int64?, at time: Int64) -> Bool {
        guard time < newest else { return true }
        guard view.levels.hop(at: time, newest: newest) != nil else { return false }
        guard case .sliding(_, let hop) = window, let left else { return true }
        guard let kept = view.levels.hop(at: left, newest: newest) else { return false }
        return hop % kept == 0
    }
}

extension FeatureValue {
    /// Gives the default where there is no value, and marks what is older than its `ttl`.
    fileprivate mutating func settle(_ slot: ReadPlan.Slot, at time: Int64) {
        if status == .missing, let fallback = slot.defaultValue {
            value = fallback
            status = .defaulted
        } else if status == .present, let ttl = slot.ttl, newestEventTime.map({ time - $0 > ttl }) ?? true {
            status = .stale
        }
    }
}
