internal import LMDB

/// How many events of one row were dropped, by stream and reason: what the table `drops` keeps beside the rows.
///
///     per stream that has any, by id: id UInt16, future UInt32, late UInt32, duplicate UInt32
///
/// Rows are functions of the set of accepted events, and these counts are not: they depend on how often an event came and in which order.
/// So they have a table of their own, which is written only when an event of the row is dropped.
package struct RowDrops: Sendable, Equatable {
    package static let reasons: [DropReason] = [.future, .late, .duplicate]
    static let entryBytes = 14

    package struct Counts: Sendable, Equatable {
        /// By position in `reasons`.
        fileprivate var counts: (UInt32, UInt32, UInt32) = (0, 0, 0)
        package var future: UInt32 { counts.0 }
        package var late: UInt32 { counts.1 }
        package var duplicate: UInt32 { counts.2 }

        package static func == (a: Self, b: Self) -> Bool { a.counts == b.counts }
    }

    /// Stream id and counts, ascending by id.
    private(set) var entries: [(id: UInt16, counts: Counts)] = []

    package init() {}

    /// Nil when the bytes do not have the format.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count % Self.entryBytes == 0 else { return nil }
        for at in stride(from: 0, to: bytes.count, by: Self.entryBytes) {
            func count(_ i: Int) -> UInt32 { bytes.loadUnaligned(fromByteOffset: at + 2 + 4 * i, as: UInt32.self) }
            let id = bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self)
            if let last = entries.last, last.id >= id { return nil }
            entries.append((id, Counts(counts: (count(0), count(1), count(2)))))
        }
    }

    package var isEmpty: Bool { entries.isEmpty }

    /// Of one stream, by its id in the shard.
    package subscript(stream id: UInt16) -> Counts { entries.first { $0.id == id }?.counts ?? Counts() }

    package static func == (a: Self, b: Self) -> Bool { a.entries.elementsEqual(b.entries) { $0.id == $1.id && $0.counts == $1.counts } }

    mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

    /// Counts one event; a count that is full stays so.
    mutating func add(_ reason: DropReason, stream id: UInt16) {
        var one = Counts()
        switch reason {
        case .future: one.counts.0 = 1
        case .late: one.counts.1 = 1
        case .duplicate: one.counts.2 = 1
        default: return  // never events of this row
        }
        add(one, id)
    }

    mutating func add(_ other: RowDrops) { for (id, counts) in other.entries { add(counts, id) } }

    private mutating func add(_ added: Counts, _ id: UInt16) {
        let at = entries.firstIndex { $0.id >= id } ?? entries.count
        if at == entries.count || entries[at].id != id { entries.insert((id, Counts()), at: at) }
        func sum(_ a: UInt32, _ b: UInt32) -> UInt32 { UInt32(clamping: UInt64(a) + UInt64(b)) }
        let old = entries[at].counts.counts, new = added.counts
        entries[at].counts.counts = (sum(old.0, new.0), sum(old.1, new.1), sum(old.2, new.2))
    }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for (id, entry) in entries {
            withUnsafeBytes(of: id.littleEndian) { bytes.append(contentsOf: $0) }
            for count in [entry.future, entry.late, entry.duplicate] {
                withUnsafeBytes(of: count.littleEndian) { bytes.append(contentsOf: $0) }
            }
        }
        return bytes
    }

    /// Adds what was counted in this batch to what the table has of the row, which is cleared afterwards.
    @inline(never)
    mutating func write(
        to table: Table, key: UnsafeRawBufferPointer, in transaction: borrowing WriteTransaction
    ) throws {
        if let stored = try transaction.get(table, key) {
            guard let known = RowDrops(stored) else { throw CorruptRow(what: "counts of dropped events") }
            add(known)
        }
        try bytes.withUnsafeBytes { value throws in try transaction.put(table, key, value: value) }
        removeAll()
    }
}
