/// Which entity keys the requests name: a set of their hashes while that fits in its memory, a Bloom filter beyond. It never says no to a
/// key that is wanted; one that it wrongly lets through costs time, nothing else.
final class KeyFilter: @unchecked Sendable {
    // Unchecked: filled by one thread, read by others afterwards.
    private var slots: UnsafeMutablePointer<UInt64>
    private var capacity: Int
    private let maxCapacity: Int
    private(set) var count = 0
    /// Bits instead of hashes.
    private var isBloom = false

    init(memoryBytes: Int) {
        var largest = 1024
        while largest * 2 * 8 <= memoryBytes { largest *= 2 }
        maxCapacity = largest
        capacity = 1024
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: 0, count: capacity)
    }

    deinit { slots.deallocate() }

    func insert(_ hash: UInt64) {
        if isBloom { return setBits(hash) }
        guard find(nonZero(hash), insert: true) else { return }
        count += 1
        if count * 2 <= capacity { return }
        capacity * 2 <= maxCapacity ? grow() : becomeBloom()
    }

    @inline(__always)
    func contains(_ hash: UInt64) -> Bool {
        if isBloom {
            for i in 0..<4 where slots[bit(hash, i) >> 6] & (1 << UInt64(bit(hash, i) & 63)) == 0 { return false }
            return true
        }
        var at = Int(truncatingIfNeeded: hash) & (capacity - 1)
        let wanted = nonZero(hash)
        while slots[at] != 0 {
            if slots[at] == wanted { return true }
            at = (at + 1) & (capacity - 1)
        }
        return false
    }

    /// 0 marks an empty slot.
    @inline(__always)
    private func nonZero(_ hash: UInt64) -> UInt64 { hash == 0 ? 1 : hash }

    /// True when it was not there.
    private func find(_ hash: UInt64, insert: Bool) -> Bool {
        var at = Int(truncatingIfNeeded: hash) & (capacity - 1)
        while slots[at] != 0 {
            if slots[at] == hash { return false }
            at = (at + 1) & (capacity - 1)
        }
        if insert { slots[at] = hash }
        return true
    }

    private func grow() {
        let old = slots, oldCapacity = capacity
        capacity *= 2
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: 0, count: capacity)
        for i in 0..<oldCapacity where old[i] != 0 { _ = find(old[i], insert: true) }
        old.deallocate()
    }

    private func becomeBloom() {
        let old = slots, oldCapacity = capacity
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: 0, count: capacity)
        isBloom = true
        for i in 0..<oldCapacity where old[i] != 0 { setBits(old[i]) }
        // The hash 0 was kept as 1.
        setBits(0)
        old.deallocate()
    }

    private func setBits(_ hash: UInt64) {
        for i in 0..<4 { slots[bit(hash, i) >> 6] |= 1 << UInt64(bit(hash, i) & 63) }
    }

    /// Double hashing (Kirsch and Mitzenmacher, "Less Hashing, Same Performance").
    @inline(__always)
    private func bit(_ hash: UInt64, _ i: Int) -> Int {
        let mixed = hash &+ UInt64(i) &* ((hash >> 33 | 1) &* 0x9E37_79B9_7F4A_7C15)
        return Int(truncatingIfNeeded: mixed & UInt64(capacity * 64 - 1))
    }
}
