/// The entries of one sequence column, over all rows, from `left` to `time`, newest first.
struct SequenceReader {
    typealias Entry = (time: Int64, id: UInt64, integer: Int64, string: UnsafeRawBufferPointer)

    let parts: UnsafeMutableBufferPointer<RowPart>
    let view: ViewPlan
    /// Index into `ViewPlan.sequences`.
    let index: Int
    let left: Int64?
    let time: Int64

    /// False when entries that belong here may have been left out: `time` lies before what is kept.
    var isKnown: Bool {
        for part in parts where !isKnown(part) { return false }
        return true
    }

    private func isKnown(_ part: RowPart) -> Bool {
        guard time < part.newest else { return true }
        if let left, !view.levels.hasLifetime, let oldest = view.levels.oldest(newest: part.newest), left < oldest { return false }
        let recentAfter = part.newest - view.levels.history
        guard time < recentAfter else { return true }
        let column = view.sequences[index]
        var kept = 0, older = 0, within = 0
        SequenceCells.forEach(index, of: view, in: part.sequences) { entryTime, _, _, _ in
            kept += 1
            if entryTime <= recentAfter { older += 1 }
            if entryTime <= time { within += 1 }
            return true
        }
        // Before the history only the newest n are kept; some of them may be newer than `time`.
        return !((older >= Int(column.n) || column.distinct) && within < kept && (column.distinct || within < Int(column.n)))
    }

    var newest: Int64? {
        var newest: Int64?
        forEach { entry in
            newest = entry.time
            return false
        }
        return newest
    }

    func first(_ type: ReadPlan.Scalar) -> Value? {
        var first: Value?
        forEach { entry in
            first = Self.value(of: entry, type)
            return false
        }
        return first
    }

    /// The first `n` values, or the first `n` that differ.
    func list(n: Int, distinct: Bool, _ type: ReadPlan.Scalar) -> [Value] {
        var list: [Value] = []
        guard n > 0 else { return list }
        forEach { entry in
            let value = Self.value(of: entry, type)
            if list.isEmpty { list.reserveCapacity(Swift.min(n, 16)) }
            // By index: `contains` copies each element.
            if !distinct || !list.indices.contains(where: { list[$0] == value }) { list.append(value) }
            return list.count < n
        }
        return list
    }

    static func value(of entry: Entry, _ type: ReadPlan.Scalar) -> Value {
        switch type {
        case .string: .string(String(decoding: entry.string, as: UTF8.self))
        case .vector(let scale): .list(elements(of: entry.string, .decimal(scale: scale)))
        case .doubles: .list(elements(of: entry.string, .double))
        case .bool, .int, .decimal, .double: Value(entry.integer, type)
        }
    }

    static func elements(of vector: UnsafeRawBufferPointer, _ type: ReadPlan.Scalar) -> [Value] {
        (0..<vector.count / 8).map { Value(vector.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self), type) }
    }

    /// Calls `body` until it returns false. The entries of one row lie in order; those of several are put in order first.
    func forEach(_ body: (Entry) -> Bool) {
        if parts.count == 1 { return forEach(in: parts[0], body) }
        var entries: [Entry] = []
        for part in parts {
            forEach(in: part) { entry in
                entries.append(entry)
                return true
            }
        }
        entries.sort { ($0.time, $0.id) > ($1.time, $1.id) }
        for entry in entries where !body(entry) { return }
    }

    private func forEach(in part: RowPart, _ body: (Entry) -> Bool) {
        SequenceCells.forEach(index, of: view, in: part.sequences) { entryTime, id, integer, string in
            guard entryTime <= time else { return true }
            if let left, entryTime < left { return false }
            return body((entryTime, id, integer, string))
        }
    }
}
