/// The newest events of a view, once per row. Per sequence column: count UInt32, then entries, newest first, by (time, id) descending:
///
///     times      time Int64
///     integers   time Int64, id UInt64, value Int64
///     strings    time Int64, id UInt64, length UInt16, bytes
///
/// Kept are: every entry of the last `history` before the stream's newest event (none, when there is no history), and the newest `n` (distinct) ones before.
enum SequenceCells {
    /// One stored entry, or the one to be added.
    private struct Entry {
        var time: Int64
        var id: UInt64
        var integer: Int64
        var string: UnsafeRawBufferPointer

        func isNewer(than other: Entry) -> Bool { (time, id) > (other.time, other.id) }
        func hasSameValue(as other: Entry, _ kind: SequenceColumn.Kind) -> Bool {
            switch kind {
            case .times: true
            case .integers: integer == other.integer
            case .strings: compareBytes(string, other.string) == 0
            }
        }
    }

    /// Writes all sequences of `plan` anew into `output`: those of `source` (empty, or as this function wrote them), with `additions` (oldest
    /// first), less what need not be kept now that the stream's newest event is at `newest`. Returns whether any entry is left.
    static func rewrite(
        _ source: UnsafeRawBufferPointer, plan: ViewPlan, newest: Int64, oldest: Int64,
        additions: UnsafeBufferPointer<Addition>, into output: inout GrowableBytes
    ) -> Bool {
        output.removeAll()
        var reader = Reader(bytes: source)
        var any = false
        for column in plan.sequences {
            let stored = reader.count()
            let countAt = output.count
            output.append(UInt32(0))
            var writer = Writer(
                column: column, recentAfter: newest - plan.levels.history, oldest: oldest, firstEntry: output.count)
            // A merge of two runs, both newest first.
            var next = additions.count - 1
            var added = takeEntry(of: column, from: additions, &next)
            for _ in 0..<stored {
                let entry = reader.entry(column.kind)
                if writer.isFull { continue }
                while let candidate = added, candidate.isNewer(than: entry), !writer.isFull {
                    writer.offer(candidate, &output)
                    added = takeEntry(of: column, from: additions, &next)
                }
                if !writer.isFull { writer.offer(entry, &output) }
            }
            while let candidate = added, !writer.isFull {
                writer.offer(candidate, &output)
                added = takeEntry(of: column, from: additions, &next)
            }
            output.store(UInt32(writer.kept), at: countAt)
            if writer.kept > 0 { any = true }
        }
        return any
    }

    /// The next addition, from the newest down, that has a value for the column.
    @inline(__always)
    private static func takeEntry(
        of column: SequenceColumn, from additions: UnsafeBufferPointer<Addition>, _ next: inout Int
    ) -> Entry? {
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        while next >= 0 {
            let addition = additions[next]
            next -= 1
            if column.field < 0 { return Entry(time: addition.time, id: 0, integer: 0, string: none) }
            let value = addition.fields[Int(column.field)]
            if value.isNull { continue }
            return Entry(
                time: addition.time, id: addition.id, integer: value.word, string: column.kind == .strings ? value.bytes : none)
        }
        return nil
    }

    private struct Writer {
        let column: SequenceColumn
        let recentAfter: Int64
        let oldest: Int64
        let firstEntry: Int
        var kept = 0
        private var keptOlder = 0
        private var firstOlder: Int

        init(column: SequenceColumn, recentAfter: Int64, oldest: Int64, firstEntry: Int) {
            self.column = column
            self.recentAfter = recentAfter
            self.oldest = oldest
            self.firstEntry = firstEntry
            firstOlder = firstEntry
        }

        /// Every further entry is older, and none of them is kept.
        var isFull: Bool { keptOlder >= Int(column.n) }

        mutating func offer(_ entry: Entry, _ output: inout GrowableBytes) {
            guard entry.time >= oldest else { return }
            if entry.time <= recentAfter {
                guard keptOlder < Int(column.n) else { return }
                if keptOlder == 0 { firstOlder = output.count }
                if column.distinct, isKeptAlready(entry, output) { return }
                keptOlder += 1
            }
            kept += 1
            output.append(entry.time)
            guard column.kind != .times else { return }
            output.append(entry.id)
            if column.kind == .integers {
                output.append(entry.integer)
            } else {
                output.append(UInt16(truncatingIfNeeded: entry.string.count))
                output.append(entry.string)
            }
        }

        /// Among the entries before the history; there are at most `n`.
        private func isKeptAlready(_ entry: Entry, _ output: borrowing GrowableBytes) -> Bool {
            guard keptOlder > 0 else { return false }
            var reader = Reader(bytes: UnsafeRawBufferPointer(rebasing: output.bytes[firstOlder...]))
            for _ in 0..<keptOlder where reader.entry(column.kind).hasSameValue(as: entry, column.kind) { return true }
            return false
        }
    }

    /// Reads entries one after another; past the end of damaged bytes it gives empty ones. Times are held within what an event can have,
    /// so that whoever computes with them cannot overflow.
    private struct Reader {
        let bytes: UnsafeRawBufferPointer
        private var at = 0

        init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

        private mutating func next<T: BitwiseCopyable>(_ zero: T) -> T {
            guard at + MemoryLayout<T>.size <= bytes.count else {
                at = bytes.count
                return zero
            }
            defer { at += MemoryLayout<T>.size }
            return bytes.loadUnaligned(fromByteOffset: at, as: T.self)
        }

        mutating func count() -> Int { Swift.min(Int(next(UInt32(0))), bytes.count / 8) }

        mutating func entry(_ kind: SequenceColumn.Kind) -> Entry {
            let time = Swift.min(Swift.max(next(Int64(0)), 0), Store.validTimes.upperBound)
            var entry = Entry(time: time, id: 0, integer: 0, string: .init(start: nil, count: 0))
            guard kind != .times else { return entry }
            entry.id = next(UInt64(0))
            if kind == .integers {
                entry.integer = next(Int64(0))
            } else {
                let length = Swift.min(Int(next(UInt16(0))), bytes.count - at)
                entry.string = UnsafeRawBufferPointer(rebasing: bytes[at..<at + length])
                at += length
            }
            return entry
        }
    }

    /// For lookups: calls `body` for each entry of column `index`, newest first, until it returns false.
    static func forEach(
        _ index: Int, of plan: ViewPlan, in bytes: UnsafeRawBufferPointer,
        _ body: (_ time: Int64, _ id: UInt64, _ integer: Int64, _ string: UnsafeRawBufferPointer) -> Bool
    ) {
        var reader = Reader(bytes: bytes)
        for i in 0...index {
            let count = reader.count()
            for _ in 0..<count {
                let entry = reader.entry(plan.sequences[i].kind)
                if i == index, !body(entry.time, entry.id, entry.integer, entry.string) { return }
            }
        }
    }
}
