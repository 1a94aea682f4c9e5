internal import Glibc
internal import Synchronization

/// The newest commits of an environment, in memory: a hash table from a key of a table to its values, newest first.
///
/// One thread writes at a time, any thread reads meanwhile without a lock. A value carries the number of the commit that made it, so a reader that
/// knows the number of the newest commit when it began sees that commit and nothing after it. Nothing is ever changed in place or removed: all of it is freed at
/// once, when LMDB has it and no reader is left.
///
///     slots: power of two, at most half full        entry (in the arena, 8-byte aligned)
///     [ hash's top 16 bits | entry's address ]  ->  previous entry of the key | commit | hash | table | key and value length | key | value
///
/// Open addressing with linear probing; a longer array of slots takes the place of a full one, which stays for those who read it. O(1) for each operation.
final class Memtable: @unchecked Sendable {
    struct Entry {
        let previous: UnsafeMutablePointer<Entry>?
        /// `.max`: the commit was called off.
        var commit: UInt64
        let hash: UInt64
        let table: UInt32
        let keyCount: UInt32
        /// Negative: the key was deleted.
        let valueCount: Int
    }

    typealias EntryPointer = UnsafeMutablePointer<Entry>
    typealias Slots = UnsafeMutablePointer<Atomic<UInt>>

    /// Counts the memtables of an environment, from 1 on.
    let generation: UInt64
    /// Address of a word that has the number of slots, with the slots behind it.
    private let slots: Atomic<UInt>
    // The rest belongs to the one thread that writes.
    private var arena: Arena
    private var retired: [UInt] = []
    private(set) var keyCount = 0
    /// Those of the commit under way.
    private var pending: [EntryPointer] = []

    static let addressMask: UInt = 0xffff_ffff_ffff

    init(generation: UInt64, pool: ChunkPool) {
        self.generation = generation
        arena = Arena(pool)
        slots = Atomic(Self.makeSlots(256))
    }

    deinit {
        for address in retired { free(UnsafeMutableRawPointer(bitPattern: address)) }
        free(UnsafeMutableRawPointer(bitPattern: slots.load(ordering: .relaxed)))
    }

    private static func makeSlots(_ count: Int) -> UInt {
        guard let memory = calloc(count + 1, 8) else { fatalError("out of memory: \(count) slots of a memtable") }
        memory.storeBytes(of: count, as: Int.self)
        return UInt(bitPattern: memory)
    }

    @inline(__always)
    private var current: (slots: Slots, mask: Int) {
        let memory = UnsafeMutableRawPointer(bitPattern: slots.load(ordering: .acquiring)).unsafelyUnwrapped
        return ((memory + 8).assumingMemoryBound(to: Atomic<UInt>.self), memory.load(as: Int.self) - 1)
    }

    // MARK: Reading

    /// The newest value of a key that is not newer than `commit`; nil: there is none here.
    @inline(__always)
    func find(_ table: UInt32, _ key: UnsafeRawBufferPointer, _ hash: UInt64, at commit: UInt64) -> EntryPointer? {
        let (slots, mask) = current
        var entry = Self.head(slots, mask, table, key, hash).entry
        while let found = entry, found.pointee.commit > commit { entry = found.pointee.previous }
        return entry
    }

    /// Where the key's newest entry is or would be.
    @inline(__always)
    private static func head(
        _ slots: Slots, _ mask: Int, _ table: UInt32, _ key: UnsafeRawBufferPointer, _ hash: UInt64
    ) -> (at: Int, entry: EntryPointer?) {
        var at = Int(truncatingIfNeeded: hash) & mask
        while true {
            let word = slots[at].load(ordering: .acquiring)
            if word == 0 { return (at, nil) }
            if word >> 48 == UInt(hash >> 48), let entry = EntryPointer(bitPattern: word & addressMask),
               entry.pointee.hash == hash, entry.pointee.table == table, equal(entry.key, key) {
                return (at, entry)
            }
            at = (at + 1) & mask
        }
    }

    @inline(__always)
    private static func equal(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
        a.count == b.count && (a.isEmpty || memcmp(a.baseAddress!, b.baseAddress!, a.count) == 0)
    }

    /// Calls `body` with the newest entry of each key that is not newer than `commit`, in no order.
    func forEach(at commit: UInt64, _ body: (EntryPointer) -> Void) {
        let (slots, mask) = current
        for at in 0...mask {
            var entry = EntryPointer(bitPattern: slots[at].load(ordering: .acquiring) & Self.addressMask)
            while let found = entry, found.pointee.commit > commit { entry = found.pointee.previous }
            if let entry { body(entry) }
        }
    }

    // MARK: Writing

    /// Bytes of memory for entries.
    var byteCount: Int { arena.byteCount }

    /// Makes an entry for a commit that nobody sees yet; the caller fills in the value. A negative `valueCount` deletes.
    @inline(__always)
    func insert(
        _ table: UInt32, _ key: UnsafeRawBufferPointer, _ hash: UInt64, valueCount: Int, commit: UInt64
    ) -> EntryPointer {
        if keyCount * 2 > current.mask { growSlots() }
        let (slots, mask) = current
        let (at, previous) = Self.head(slots, mask, table, key, hash)
        let memory = arena.allocate(Entry.valueOffset(keyCount: key.count) + max(0, valueCount))
        let entry = memory.bindMemory(to: Entry.self, capacity: 1)
        entry.initialize(to: Entry(
            previous: previous, commit: commit, hash: hash, table: table, keyCount: UInt32(key.count), valueCount: valueCount))
        if let source = key.baseAddress { (memory + MemoryLayout<Entry>.size).copyMemory(from: source, byteCount: key.count) }
        if previous == nil { keyCount += 1 }
        pending.append(entry)
        slots[at].store(Self.word(entry, hash), ordering: .releasing)
        return entry
    }

    @inline(__always)
    private static func word(_ entry: EntryPointer, _ hash: UInt64) -> UInt {
        let address = UInt(bitPattern: entry)
        precondition(address <= addressMask, "memory above 2^48")
        return UInt(hash >> 48) << 48 | address
    }

    /// What was inserted since the last end of a commit stays, for those who are told its number, or nobody will ever see it.
    func endCommit(keeping: Bool) {
        if !keeping { for entry in pending { entry.pointee.commit = .max } }
        pending.removeAll(keepingCapacity: true)
    }

    @inline(never)
    private func growSlots() {
        let (old, oldMask) = current
        let grown = Self.makeSlots((oldMask + 1) * 4)
        let new = UnsafeMutableRawPointer(bitPattern: grown)! + 8
        let slots = new.assumingMemoryBound(to: Atomic<UInt>.self)
        let mask = (oldMask + 1) * 4 - 1
        for i in 0...oldMask {
            let word = old[i].load(ordering: .relaxed)
            guard let entry = EntryPointer(bitPattern: word & Self.addressMask) else { continue }
            var at = Int(truncatingIfNeeded: entry.pointee.hash) & mask
            while slots[at].load(ordering: .relaxed) != 0 { at = (at + 1) & mask }
            slots[at].store(word, ordering: .relaxed)
        }
        retired.append(self.slots.exchange(grown, ordering: .acquiringAndReleasing))
    }

    // MARK: Hashing

    /// Keys come from outside: whoever does not know the seed cannot choose many of one slot.
    private static let seed = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max) | 1)

    /// Eight bytes at a time, folded by 128-bit products, as in wyhash (Wang Yi).
    @inline(__always)
    static func hash(_ table: UInt32, _ key: UnsafeRawBufferPointer) -> UInt64 {
        var hash = seed.0 ^ UInt64(table) ^ UInt64(key.count) << 32
        var at = 0
        while at + 8 <= key.count {
            hash = fold(hash ^ key.loadUnaligned(fromByteOffset: at, as: UInt64.self), seed.1)
            at += 8
        }
        var rest: UInt64 = 0
        while at < key.count {
            rest = rest << 8 | UInt64(key[at])
            at += 1
        }
        return fold(fold(hash ^ rest, seed.1), 0x9e37_79b9_7f4a_7c15)
    }

    @inline(__always)
    private static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let (high, low) = a.multipliedFullWidth(by: b)
        return high ^ low
    }
}

extension Memtable.Entry {
    static func valueOffset(keyCount: Int) -> Int { (MemoryLayout<Self>.size + keyCount + 7) & ~7 }
}

extension UnsafeMutablePointer<Memtable.Entry> {
    @inline(__always)
    var key: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: UnsafeRawPointer(self) + MemoryLayout<Memtable.Entry>.size, count: Int(pointee.keyCount))
    }

    /// Nil: the key was deleted.
    @inline(__always)
    var value: UnsafeRawBufferPointer? { pointee.valueCount < 0 ? nil : UnsafeRawBufferPointer(room) }

    /// Where the value is, for whoever makes the entry.
    @inline(__always)
    var room: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(
            start: UnsafeMutableRawPointer(self) + Memtable.Entry.valueOffset(keyCount: Int(pointee.keyCount)), count: Swift.max(0, pointee.valueCount))
    }
}
