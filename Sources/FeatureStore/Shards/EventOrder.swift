internal import CPrefetch

/// The events of a batch ordered by the entity's key, and by arrival within a key: rows are then visited once each and in the order of
/// the B+tree.
///
/// Whoever has it keeps it: its memory is used again.
package struct EventOrder: ~Copyable {
    package struct Entry {
        /// The first eight bytes of the key, big-endian: most comparisons end here.
        package var prefix: UInt64
        package var event: Int32
        /// Keys of up to eight bytes are told apart by prefix and length alone, without touching the event.
        package var keyBytes: UInt32
    }

    private var entries: [Entry] = []
    private var scratch: [Entry] = []

    package init() {}

    /// Calls `body` with the batch's events in their order. `keyIndexes`: per stream, which of its keys is the entity's; -1: none.
    package mutating func withSorted<Failure: Error>(
        _ batch: EventBatch, keyIndexes: [Int], _ body: (SortedEvents) throws(Failure) -> Void
    ) throws(Failure) {
        let keys = BatchKeys(batch, keyIndexes)
        entries.removeAll(keepingCapacity: true)
        for i in 0..<batch.eventCount {
            guard keys.hasKey(i) else { continue }
            let key = keys[i]
            entries.append(Entry(prefix: Self.prefix(key), event: Int32(i), keyBytes: UInt32(truncatingIfNeeded: key.count)))
        }
        if entries.count >= Self.minRadixCount {
            sortByPrefix()
            sortRuns(keys)
        } else {
            entries.withUnsafeMutableBufferPointer { $0.sortByKey(keys) }
        }
        try entries.withUnsafeBufferPointer { entries throws(Failure) in try body(SortedEvents(entries: entries, keys: keys)) }
    }

    /// Below this, comparing is faster.
    private static let minRadixCount = 512

    /// By the eight bytes of the prefix, least significant first (LSD radix sort): eight passes at most, one less for each byte that all keys
    /// share. Each pass keeps the order of equals, so events of a key stay in the order of arrival.
    private mutating func sortByPrefix() {
        let count = entries.count
        if scratch.count < count { scratch = entries }
        let first = entries[0].prefix
        var differing: UInt64 = 0
        for entry in entries { differing |= entry.prefix ^ first }
        entries.withUnsafeMutableBufferPointer { entries in
            scratch.withUnsafeMutableBufferPointer { scratch in
                var from = entries.baseAddress!, to = scratch.baseAddress!
                withUnsafeTemporaryAllocation(of: Int.self, capacity: 256) { starts in
                    for shift in stride(from: UInt64(0), to: 64, by: 8) where (differing >> shift) & 0xff != 0 {
                        starts.update(repeating: 0)
                        for i in 0..<count { starts[Int((from[i].prefix >> shift) & 0xff)] += 1 }
                        var sum = 0
                        for byte in 0..<256 { (starts[byte], sum) = (sum, sum + starts[byte]) }
                        for i in 0..<count {
                            let byte = Int((from[i].prefix >> shift) & 0xff)
                            to[starts[byte]] = from[i]
                            starts[byte] += 1
                        }
                        swap(&from, &to)
                    }
                }
                if from != entries.baseAddress! { entries.baseAddress!.update(from: from, count: count) }
            }
        }
    }

    /// Puts the entries that `sortByPrefix` left as equals in order.
    private mutating func sortRuns(_ keys: BatchKeys) {
        entries.withUnsafeMutableBufferPointer { buffer in
            var start = 0
            while start < buffer.count {
                let keyBytes = buffer[start].keyBytes
                var end = start + 1
                // One key, when all are as long and no longer than the prefix.
                var isOneKey = keyBytes <= 8
                while end < buffer.count, buffer[end].prefix == buffer[start].prefix {
                    if buffer[end].keyBytes != keyBytes { isOneKey = false }
                    end += 1
                }
                if !isOneKey, end - start > 1 {
                    UnsafeMutableBufferPointer(rebasing: buffer[start..<end]).sortByKey(keys)
                }
                start = end
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

/// What `EventOrder` gives: valid within its closure, and while the batch stays as it is.
package struct SortedEvents {
    fileprivate let entries: UnsafeBufferPointer<EventOrder.Entry>
    fileprivate let keys: BatchKeys

    package var count: Int { entries.count }

    /// Index in the batch.
    @inline(__always)
    package subscript(at: Int) -> Int { Int(entries[at].event) }

    @inline(__always)
    func key(_ at: Int) -> UnsafeRawBufferPointer { keys[self[at]] }

    /// Whether the events at `at` and before it have the same key.
    @inline(__always)
    func continuesKey(at: Int) -> Bool {
        let a = entries[at - 1], b = entries[at]
        if a.prefix != b.prefix || a.keyBytes != b.keyBytes { return false }
        return a.keyBytes <= 8 || compareBytes(keys[Int(a.event)], keys[Int(b.event)]) == 0
    }

    /// Asks the processor for what the events a few places on will need. The order of keys is not the order of arrival, so each event
    /// would otherwise be waited for: its record, its values, then the bytes of its strings, which lie together in the payload.
    @inline(__always)
    func prefetch(ahead at: Int) {
        guard at + 16 < entries.count else { return }
        prefetch_memory(keys.events + Int(entries[at + 16].event))
        let values = keys.values + Int(keys.events[Int(entries[at + 8].event)].firstValue)
        for line in 0..<3 { prefetch_memory(values + line * 4) }
        let key = keys.values[Int(keys.events[Int(entries[at + 4].event)].firstValue)].word
        if let payload = UnsafeRawPointer(bitPattern: Int(key)) {
            for line in 0..<3 { prefetch_memory(payload + line * 64) }
        }
    }
}

/// The keys that a batch's events have of one entity.
private struct BatchKeys {
    let events: UnsafePointer<EventRecord>
    let values: UnsafePointer<FieldValue>
    private let indexes: [Int]

    init(_ batch: EventBatch, _ indexes: [Int]) {
        events = UnsafePointer(batch.events)
        values = UnsafePointer(batch.values)
        self.indexes = indexes
    }

    @inline(__always)
    func hasKey(_ event: Int) -> Bool { indexes[Int(events[event].stream)] >= 0 }

    /// The bytes of an event's key; it has one.
    @inline(__always)
    subscript(event: Int) -> UnsafeRawBufferPointer {
        let record = events[event]
        return values[Int(record.firstValue) + indexes[Int(record.stream)]].bytes
    }
}

extension UnsafeMutableBufferPointer<EventOrder.Entry> {
    /// By comparison.
    fileprivate func sortByKey(_ keys: BatchKeys) {
        var buffer = self
        buffer.sort { a, b in
            if a.prefix != b.prefix { return a.prefix < b.prefix }
            if a.keyBytes <= 8, b.keyBytes <= 8 {
                return a.keyBytes != b.keyBytes ? a.keyBytes < b.keyBytes : a.event < b.event
            }
            let order = compareBytes(keys[Int(a.event)], keys[Int(b.event)])
            return order != 0 ? order < 0 : a.event < b.event
        }
    }
}
