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
    package init?(_ bytes: UnsafeRawBufferPointer) { if !add(bytes) { return nil } }

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

    /// What the table has of the row. False when the bytes do not have the format.
    private mutating func add(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count % Self.entryBytes == 0 else { return false }
        var last = -1
        for at in stride(from: 0, to: bytes.count, by: Self.entryBytes) {
            func count(_ i: Int) -> UInt32 { bytes.loadUnaligned(fromByteOffset: at + 2 + 4 * i, as: UInt32.self) }
            let id = bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self)
            guard Int(id) > last else { return false }
            last = Int(id)
            add(Counts(counts: (count(0), count(1), count(2))), id)
        }
        return true
    }

    private mutating func add(_ added: Counts, _ id: UInt16) {
        let at = entries.firstIndex { $0.id >= id } ?? entries.count
        if at == entries.count || entries[at].id != id { entries.insert((id, Counts()), at: at) }
        func sum(_ a: UInt32, _ b: UInt32) -> UInt32 { UInt32(clamping: UInt64(a) + UInt64(b)) }
        let old = entries[at].counts.counts, new = added.counts
        entries[at].counts.counts = (sum(old.0, new.0), sum(old.1, new.1), sum(old.2, new.2))
    }

    private var byteCount: Int { entries.count * Self.entryBytes }

    /// `room` has `byteCount` bytes.
    private func save(to room: UnsafeMutableRawBufferPointer) {
        for (i, (id, counts)) in entries.enumerated() {
            let at = i * Self.entryBytes
            room.storeBytes(of: id, toByteOffset: at, as: UInt16.self)
            room.storeBytes(of: counts.future, toByteOffset: at + 2, as: UInt32.self)
            room.storeBytes(of: counts.late, toByteOffset: at + 6, as: UInt32.self)
            room.storeBytes(of: counts.duplicate, toByteOffset: at + 10, as: UInt32.self)
        }
    }

    package var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { room, count in
            count = byteCount
            save(to: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: room[..<count])))
        }
    }

    /// Adds what was counted in this batch to what the table has of the row, which is cleared afterwards.
    @inline(never)
    mutating func write(
        to table: Table, key: UnsafeRawBufferPointer, in transaction: borrowing WriteTransaction
    ) throws {
        if let stored = try transaction.get(table, key) {
            guard add(stored) else { throw CorruptRow(what: "counts of dropped events") }
        }
        save(to: try transaction.reserve(table, key, byteCount: byteCount))
        removeAll()
    }
}
