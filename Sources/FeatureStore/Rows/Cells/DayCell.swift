/// The UTC days that have events: runs of days in a row, ascending and never next to one another, each first day UInt16 and last day UInt16,
/// counted from 1970-01-01. At most two bytes a day.
enum DayCell {
    static let emptyBytes = 0
    private static let runBytes = 4

    static func add(time: Int64, to cell: inout VariableCell, in tiles: inout GrowableBytes) {
        let day = UInt16(truncatingIfNeeded: time / .days(1))
        add(day, day, &cell, &tiles)
    }

    private static func add(_ first: UInt16, _ last: UInt16, _ cell: inout VariableCell, _ tiles: inout GrowableBytes) {
        var first = first, last = last
        var at = cell.payload
        let end = cell.end(in: tiles)
        // The first run that is not wholly before the new one, not even next to it.
        while at < end, Int(tiles.load(at: at + 2, as: UInt16.self)) + 1 < Int(first) { at += runBytes }
        var next = at
        while next < end, Int(tiles.load(at: next, as: UInt16.self)) <= Int(last) + 1 {
            first = Swift.min(first, tiles.load(at: next))
            last = Swift.max(last, tiles.load(at: next + 2))
            next += runBytes
        }
        if next == at { cell.insert(runBytes, at: at, in: &tiles) }
        if next > at + runBytes { cell.remove(next - at - runBytes, at: at, in: &tiles) }
        tiles.store(first, at: at)
        tiles.store(last, at: at + 2)
    }

    static func merge(_ payload: UnsafeRawBufferPointer, into cell: inout VariableCell, in tiles: inout GrowableBytes) {
        for at in stride(from: 0, to: payload.count, by: runBytes) {
            add(
                payload.loadUnaligned(fromByteOffset: at, as: UInt16.self), payload.loadUnaligned(fromByteOffset: at + 2, as: UInt16.self),
                &cell, &tiles)
        }
    }

    static func isWellFormed(_ payload: UnsafeRawBufferPointer) -> Bool {
        guard payload.count % runBytes == 0 else { return false }
        var before = -2
        for at in stride(from: 0, to: payload.count, by: runBytes) {
            let first = Int(payload.loadUnaligned(fromByteOffset: at, as: UInt16.self))
            let last = Int(payload.loadUnaligned(fromByteOffset: at + 2, as: UInt16.self))
            guard first > before + 1, last >= first else { return false }
            before = last
        }
        return true
    }

    /// How many days in a row have events, up to the day of `time`, or up to the day before when that day has none.
    static func streak(_ payload: UnsafeRawBufferPointer, at time: Int64) -> Int64 {
        let today = time / .days(1)
        for at in stride(from: payload.count - runBytes, through: 0, by: -runBytes) {
            let first = Int64(payload.loadUnaligned(fromByteOffset: at, as: UInt16.self))
            if first > today { continue }
            let last = Int64(payload.loadUnaligned(fromByteOffset: at + 2, as: UInt16.self))
            return last < today - 1 ? 0 : Swift.min(last, today) - first + 1
        }
        return 0
    }
}
