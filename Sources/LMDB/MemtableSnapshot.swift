internal import Glibc

/// The memtables of an environment at one moment: the one that is written to, and the one that is on its way to LMDB. Whoever reads them keeps them.
final class Memtables: Sendable {
    let active: Memtable
    let frozen: Memtable?

    init(active: Memtable, frozen: Memtable?) { (self.active, self.frozen) = (active, frozen) }
}

/// What a transaction sees of them. A key that is not here is as LMDB has it.
struct MemtableSnapshot {
    let tables: Memtables
    /// The newest commit to see.
    var commit: UInt64

    enum Found {
        case absent
        case deleted
        case value(UnsafeRawBufferPointer)
    }

    @inline(__always)
    func find(_ table: Table, _ key: UnsafeRawBufferPointer) -> Found {
        let hash = Memtable.hash(table.handle, key)
        guard let entry = find(table.handle, key, hash) else { return .absent }
        return entry.value.map { .value($0) } ?? .deleted
    }

    @inline(__always)
    private func find(_ table: UInt32, _ key: UnsafeRawBufferPointer, _ hash: UInt64) -> Memtable.EntryPointer? {
        tables.active.find(table, key, hash, at: commit) ?? tables.frozen?.find(table, key, hash, at: commit)
    }

    /// The entries of a table from the first key on that is not less than `first`, in key order. O(n log n) for the n entries of the memtables.
    func entries(_ table: Table, from first: UnsafeRawBufferPointer?) -> [Memtable.EntryPointer] {
        var found: [Memtable.EntryPointer] = []
        func take(_ entry: Memtable.EntryPointer) {
            guard entry.pointee.table == table.handle else { return }
            if let first, KeyOrder.compare(entry.key, first) < 0 { return }
            found.append(entry)
        }
        tables.active.forEach(at: commit, take)
        tables.frozen?.forEach(at: commit) { entry in
            if tables.active.find(table.handle, entry.key, entry.pointee.hash, at: commit) == nil { take(entry) }
        }
        KeyOrder.sort(&found)
        return found
    }
}

/// The order of keys in LMDB.
enum KeyOrder {
    /// Less than, equal to or greater than 0.
    @inline(__always)
    static func compare(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
        let shared = min(a.count, b.count)
        let order = shared == 0 ? 0 : Int(memcmp(a.baseAddress!, b.baseAddress!, shared))
        return order != 0 ? order : a.count - b.count
    }

    /// By table, then by key.
    static func sort(_ entries: inout [Memtable.EntryPointer]) {
        entries.sort { a, b in
            a.pointee.table != b.pointee.table ? a.pointee.table < b.pointee.table : compare(a.key, b.key) < 0
        }
    }
}
