/// One scalar of a decoded event, as a filter or an aggregation reads it. 16 bytes, no ownership.
public struct FieldValue: Sendable {
    public enum Kind: UInt8, Sendable { case null, integer, string, vector }

    /// Integer, bool (0 or 1) or decimal units; for a string or vector the address of its first byte.
    public var word: Int64
    /// Bytes of a string, or of a vector's elements, Int64 each.
    public var length: UInt32
    public var kind: Kind

    public static var null: FieldValue { .init(word: 0, length: 0, kind: .null) }
    public static func integer(_ value: Int64) -> FieldValue { .init(word: value, length: 0, kind: .integer) }
    /// The bytes must stay where they are until the batch is reset: inside the record, or in `EventBatch.store`.
    public static func string(_ bytes: UnsafeRawBufferPointer) -> FieldValue {
        .init(word: Int64(Int(bitPattern: bytes.baseAddress)), length: UInt32(truncatingIfNeeded: bytes.count), kind: .string)
    }

    /// The bytes must stay as those of a string.
    public static func vector(_ elements: UnsafeRawBufferPointer) -> FieldValue {
        .init(word: Int64(Int(bitPattern: elements.baseAddress)), length: UInt32(truncatingIfNeeded: elements.count), kind: .vector)
    }

    public var isNull: Bool { kind == .null }
    public var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: Int(word)), count: Int(length))
    }
}

/// One decoded event inside an `EventBatch`. Trivial, 24 bytes.
public struct EventRecord: Sendable {
    private let streamIndex: UInt16
    /// Beyond the broker's timestamp by more than `max_clock_skew`: it is counted for its rows and not applied.
    public var isFuture: Bool
    /// Index in `EventBatch.values` of the first value: the stream's entity keys in order (as strings), then its fields in order.
    public var firstValue: Int32
    /// µs since the epoch.
    public var time: Int64
    /// xxHash64 of the event id; for a stream without ids, of the mapped values (only a tie-break then).
    public var id: UInt64
    /// Index into `Definitions.streams`. Rows name streams with 16 bits, too.
    @inline(__always)
    public var stream: Int32 { Int32(streamIndex) }

    public init(stream: Int32, firstValue: Int32, time: Int64, id: UInt64, isFuture: Bool = false) {
        streamIndex = UInt16(truncatingIfNeeded: stream)
        self.isFuture = isFuture
        self.firstValue = firstValue
        self.time = time
        self.id = id
    }
}

/// Decoded events in flat, reused memory: after the first few batches nothing is allocated.
///
/// Not `Sendable`: one owner fills it, applies it and resets it.
public final class EventBatch {
    /// Behind a pointer, because the loops over events touch it several times an event and a class's variables are checked for
    /// overlapping access each time.
    private struct Storage {
        var events: UnsafeMutablePointer<EventRecord>
        var eventCount = 0
        var eventCapacity: Int
        var values: UnsafeMutablePointer<FieldValue>
        var valueCount = 0
        var valueCapacity: Int
        /// Bytes that do not exist in the record as they are meant (unescaped strings, integers as keys). Chunks never move.
        var chunks: [UnsafeMutableRawBufferPointer] = []
        var chunk = 0
        var chunkUsed = 0
    }

    private let storage: UnsafeMutablePointer<Storage>

    public init(eventCapacity: Int = 1024) {
        let valueCapacity = eventCapacity * 8
        storage = .allocate(capacity: 1)
        storage.initialize(to: Storage(
            events: .allocate(capacity: eventCapacity), eventCapacity: eventCapacity,
            values: .allocate(capacity: valueCapacity), valueCapacity: valueCapacity))
    }

    deinit {
        storage.pointee.events.deallocate()
        storage.pointee.values.deallocate()
        for chunk in storage.pointee.chunks { chunk.deallocate() }
        storage.deinitialize(count: 1)
        storage.deallocate()
    }

    public var events: UnsafeMutablePointer<EventRecord> { storage.pointee.events }
    public var eventCount: Int { storage.pointee.eventCount }
    public var values: UnsafeMutablePointer<FieldValue> { storage.pointee.values }
    public var valueCount: Int { storage.pointee.valueCount }

    /// Forgets the events, keeps the memory.
    public func reset() {
        storage.pointee.eventCount = 0
        storage.pointee.valueCount = 0
        storage.pointee.chunk = 0
        storage.pointee.chunkUsed = 0
    }

    /// Room for `count` values, initialised to null, at the end. The pointer holds until the next call; without `append` after it the
    /// same room is given again.
    public func reserveValues(_ count: Int) -> UnsafeMutablePointer<FieldValue> {
        let valueCount = storage.pointee.valueCount
        if valueCount + count > storage.pointee.valueCapacity {
            let capacity = Swift.max(storage.pointee.valueCapacity * 2, valueCount + count)
            let grown = UnsafeMutablePointer<FieldValue>.allocate(capacity: capacity)
            grown.moveInitialize(from: storage.pointee.values, count: valueCount)
            storage.pointee.values.deallocate()
            storage.pointee.values = grown
            storage.pointee.valueCapacity = capacity
        }
        let room = storage.pointee.values + valueCount
        room.initialize(repeating: .null, count: count)
        return room
    }

    /// Takes the `valueCount` values last reserved as one event.
    public func append(stream: Int32, time: Int64, id: UInt64, valueCount count: Int) {
        let eventCount = storage.pointee.eventCount
        if eventCount == storage.pointee.eventCapacity {
            let grown = UnsafeMutablePointer<EventRecord>.allocate(capacity: eventCount * 2)
            grown.moveInitialize(from: storage.pointee.events, count: eventCount)
            storage.pointee.events.deallocate()
            storage.pointee.events = grown
            storage.pointee.eventCapacity = eventCount * 2
        }
        (storage.pointee.events + eventCount).initialize(
            to: EventRecord(stream: stream, firstValue: Int32(storage.pointee.valueCount), time: time, id: id))
        storage.pointee.eventCount = eventCount + 1
        storage.pointee.valueCount += count
    }

    /// Marks the last event as one from the future. Its values stay: the row is found by its key.
    public func markLastFuture() { (storage.pointee.events + storage.pointee.eventCount - 1).pointee.isFuture = true }

    /// Takes the last event back; `firstValue` is `valueCount` as it was before.
    public func removeLast(firstValue: Int) {
        storage.pointee.eventCount -= 1
        storage.pointee.valueCount = firstValue
    }

    /// Room for `byteCount` bytes that stay in place until `reset`.
    public func store(byteCount: Int) -> UnsafeMutableRawBufferPointer {
        while true {
            if storage.pointee.chunk == storage.pointee.chunks.count {
                storage.pointee.chunks.append(.allocate(byteCount: Swift.max(1 << 16, byteCount), alignment: 16))
                storage.pointee.chunkUsed = 0
            }
            if storage.pointee.chunkUsed + byteCount <= storage.pointee.chunks[storage.pointee.chunk].count { break }
            storage.pointee.chunk += 1
            storage.pointee.chunkUsed = 0
        }
        let used = storage.pointee.chunkUsed
        storage.pointee.chunkUsed += byteCount
        return UnsafeMutableRawBufferPointer(
            rebasing: storage.pointee.chunks[storage.pointee.chunk][used..<used + byteCount])
    }
}
