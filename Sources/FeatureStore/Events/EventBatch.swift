/// One scalar of a decoded event, as a filter or an aggregation reads it. 16 bytes, no ownership.
public struct FieldValue: Sendable {
    public enum Kind: UInt8, Sendable { case null, integer, string }

    /// Integer, bool (0 or 1) or decimal units; for a string the address of its first byte.
    public var word: Int64
    /// Bytes of a string.
    public var length: UInt32
    public var kind: Kind

    public static var null: FieldValue { .init(word: 0, length: 0, kind: .null) }
    public static func integer(_ value: Int64) -> FieldValue { .init(word: value, length: 0, kind: .integer) }
    /// The bytes must stay where they are until the batch is reset: inside the record, or in `EventBatch.store`.
    public static func string(_ bytes: UnsafeRawBufferPointer) -> FieldValue {
        .init(word: Int64(Int(bitPattern: bytes.baseAddress)), length: UInt32(truncatingIfNeeded: bytes.count), kind: .string)
    }

    public var isNull: Bool { kind == .null }
    public var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: Int(word)), count: Int(length))
    }
}

/// One decoded event inside an `EventBatch`. Trivial.
public struct EventRecord: Sendable {
    /// Index into `Definitions.streams`.
    public var stream: Int32
    /// Index in `EventBatch.values` of the first value: the stream's entity keys in order (as strings), then its fields in order.
    public var firstValue: Int32
    /// µs since the epoch.
    public var time: Int64
    /// xxHash64 of the event id; for a stream without ids, of the mapped values (only a tie-break then).
    public var id: UInt64
    public init(stream: Int32, firstValue: Int32, time: Int64, id: UInt64) {
        self.stream = stream
        self.firstValue = firstValue
        self.time = time
        self.id = id
    }
}

/// Decoded events in flat, reused memory: after the first few batches nothing is allocated.
///
/// Not `Sendable`: one owner fills it, applies it and resets it.
public final class EventBatch {
    public private(set) var events: UnsafeMutablePointer<EventRecord>
    public private(set) var eventCount = 0
    private var eventCapacity: Int
    public private(set) var values: UnsafeMutablePointer<FieldValue>
    public private(set) var valueCount = 0
    private var valueCapacity: Int
    /// Bytes that do not exist in the record as they are meant (unescaped strings, integers as keys). Chunks never move.
    private var chunks: [UnsafeMutableRawBufferPointer] = []
    private var chunk = 0
    private var chunkUsed = 0

    public init(eventCapacity: Int = 1024) {
        self.eventCapacity = eventCapacity
        valueCapacity = eventCapacity * 8
        events = .allocate(capacity: eventCapacity)
        values = .allocate(capacity: valueCapacity)
    }

    deinit {
        events.deallocate()
        values.deallocate()
        for chunk in chunks { chunk.deallocate() }
    }

    /// Forgets the events, keeps the memory.
    public func reset() {
        eventCount = 0
        valueCount = 0
        chunk = 0
        chunkUsed = 0
    }

    /// Room for `count` values, initialised to null, at the end. The pointer holds until the next call; without `append` after it the
    /// same room is given again.
    public func reserveValues(_ count: Int) -> UnsafeMutablePointer<FieldValue> {
        if valueCount + count > valueCapacity {
            let capacity = Swift.max(valueCapacity * 2, valueCount + count)
            let grown = UnsafeMutablePointer<FieldValue>.allocate(capacity: capacity)
            grown.moveInitialize(from: values, count: valueCount)
            values.deallocate()
            values = grown
            valueCapacity = capacity
        }
        let room = values + valueCount
        room.initialize(repeating: .null, count: count)
        return room
    }

    /// Takes the `valueCount` values last reserved as one event.
    public func append(stream: Int32, time: Int64, id: UInt64, valueCount count: Int) {
        if eventCount == eventCapacity {
            let grown = UnsafeMutablePointer<EventRecord>.allocate(capacity: eventCapacity * 2)
            grown.moveInitialize(from: events, count: eventCount)
            events.deallocate()
            events = grown
            eventCapacity *= 2
        }
        (events + eventCount).initialize(to: EventRecord(stream: stream, firstValue: Int32(valueCount), time: time, id: id))
        eventCount += 1
        valueCount += count
    }

    /// Takes the last event back; `firstValue` is `valueCount` as it was before.
    public func removeLast(firstValue: Int) {
        eventCount -= 1
        valueCount = firstValue
    }

    /// Room for `byteCount` bytes that stay in place until `reset`.
    public func store(byteCount: Int) -> UnsafeMutableRawBufferPointer {
        while true {
            if chunk == chunks.count {
                chunks.append(.allocate(byteCount: Swift.max(1 << 16, byteCount), alignment: 16))
                chunkUsed = 0
            }
            if chunkUsed + byteCount <= chunks[chunk].count { break }
            chunk += 1
            chunkUsed = 0
        }
        defer { chunkUsed += byteCount }
        return UnsafeMutableRawBufferPointer(rebasing: chunks[chunk][chunkUsed..<chunkUsed + byteCount])
    }
}
