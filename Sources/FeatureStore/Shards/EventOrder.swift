/// The events of a batch ordered by the entity's key, and by arrival within a key: rows are then visited once each and in the order of
/// the B+tree.
struct EventOrder: ~Copyable {
    struct Entry {
        /// The first eight bytes of the key, big-endian: most comparisons end here.
        var prefix: UInt64
        var event: Int32
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
            entries.append(Entry(prefix: Self.prefix(key), event: Int32(i)))
        }
        entries.withUnsafeMutableBufferPointer { buffer in
            buffer.sort { a, b in
                if a.prefix != b.prefix { return a.prefix < b.prefix }
                let order = compareBytes(
                    Self.key(of: events[Int(a.event)], keyIndex: keyIndexes[Int(events[Int(a.event)].stream)], in: batch),
                    Self.key(of: events[Int(b.event)], keyIndex: keyIndexes[Int(events[Int(b.event)].stream)], in: batch))
                return order != 0 ? order < 0 : a.event < b.event
            }
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
