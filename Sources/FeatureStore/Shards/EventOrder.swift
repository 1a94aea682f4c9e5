internal import CPrefetch

/// The events of a batch ordered by the entity's key, and by arrival within a key: rows are then visited once each and in the order of
/// the B+tree.
struct EventOrder: ~Copyable {
    struct Entry {
        /// The first eight bytes of the key, big-endian: most comparisons end here.
        var prefix: UInt64
        var event: Int32
        /// Keys of up to eight bytes are told apart by prefix and length alone, without touching the event.
        var keyBytes: UInt32
    }

    private(set) var entries: [Entry] = []

    /// The bytes of `event`'s key of this entity.
    @inline(__always)
    static func key(of event: EventRecord, keyIndex: Int, in batch: EventBatch) -> UnsafeRawBufferPointer {
        batch.values[Int(event.firstValue) + keyIndex].bytes
    }

    /// `keyIndexes`: per stream, which of its keys is the entity's; -1: none.
    mutating func sort(_ batch: EventBatch, keyIndexes: [Int]) {
        entries.removeAll(keepingCapacity: true)
        let events = batch.events
        for i in 0..<batch.eventCount {
            let keyIndex = keyIndexes[Int(events[i].stream)]
            if keyIndex < 0 { continue }
            let key = Self.key(of: events[i], keyIndex: keyIndex, in: batch)
            entries.append(Entry(prefix: Self.prefix(key), event: Int32(i), keyBytes: UInt32(truncatingIfNeeded: key.count)))
        }
        entries.withUnsafeMutableBufferPointer { buffer in
            buffer.sort { a, b in
                if a.prefix != b.prefix { return a.prefix < b.prefix }
                if a.keyBytes <= 8, b.keyBytes <= 8 {
                    return a.keyBytes != b.keyBytes ? a.keyBytes < b.keyBytes : a.event < b.event
                }
                let order = compareBytes(
                    Self.key(of: events[Int(a.event)], keyIndex: keyIndexes[Int(events[Int(a.event)].stream)], in: batch),
                    Self.key(of: events[Int(b.event)], keyIndex: keyIndexes[Int(events[Int(b.event)].stream)], in: batch))
                return order != 0 ? order < 0 : a.event < b.event
            }
        }
    }

    /// Whether the entries at `at` and before it have the same key.
    @inline(__always)
    func continuesKey(at: Int, _ batch: EventBatch, keyIndexes: [Int]) -> Bool {
        let a = entries[at - 1], b = entries[at]
        if a.prefix != b.prefix || a.keyBytes != b.keyBytes { return false }
        if a.keyBytes <= 8 { return true }
        let first = batch.events[Int(a.event)], second = batch.events[Int(b.event)]
        return compareBytes(
            Self.key(of: first, keyIndex: keyIndexes[Int(first.stream)], in: batch),
            Self.key(of: second, keyIndex: keyIndexes[Int(second.stream)], in: batch)) == 0
    }

    /// Asks the processor for what the entries a few places on will need. The order of keys is not the order of arrival, so each event
    /// would otherwise be waited for: its record, its values, then the bytes of its strings, which lie together in the payload.
    @inline(__always)
    func prefetch(ahead at: Int, _ batch: EventBatch) {
        guard at + 16 < entries.count else { return }
        prefetch_memory(batch.events + Int(entries[at + 16].event))
        let values = batch.values + Int(batch.events[Int(entries[at + 8].event)].firstValue)
        for line in 0..<3 { prefetch_memory(values + line * 4) }
        let key = batch.values[Int(batch.events[Int(entries[at + 4].event)].firstValue)].word
        if let payload = UnsafeRawPointer(bitPattern: Int(key)) {
            for line in 0..<3 { prefetch_memory(payload + line * 64) }
        }
    }

    @inline(__always)
    private static func prefix(_ key: UnsafeRawBufferPointer) -> UInt64 {
        if key.count >= 8 { return UInt64(bigEndian: key.loadUnaligned(as: UInt64.self)) }
        var prefix: UInt64 = 0
        for i in 0..<8 { prefix = prefix << 8 | (i < key.count ? UInt64(key[i]) : 0) }
        return prefix
    }
}
