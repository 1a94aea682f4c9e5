internal import FeatureStore

/// An event of a log, beside its values: where it came from.
public struct EventOrigin: Sendable {
    /// Partition of the topic; negative: the log does not say.
    public var partition: Int32
    /// The broker's timestamp, µs since the epoch; negative: the log does not say.
    public var recordTime: Int64
    /// Order within stream and partition: the offset where the log says it, else any number that rises with the order of reading.
    public var order: Int64
    /// `order` is an offset: the same one again is the same record.
    public var isOffset: Bool

    public init(partition: Int32 = -1, recordTime: Int64 = -1, order: Int64, isOffset: Bool = false) {
        self.partition = partition
        self.recordTime = recordTime
        self.order = order
        self.isOffset = isOffset
    }
}

/// Events as they lie in the spool: the key and what is needed of the rest.
///
///     length UInt32, stream UInt8, flags UInt8, key length UInt16, partition Int32, time Int64, id UInt64,
///     record time Int64, order Int64, key, and per field: kind UInt8, then Int64, or length UInt32 and bytes
enum EventCodec {
    static let headerBytes = 44
    static let maxStreams = 255
    private static let hasFields: UInt8 = 1
    private static let isOffset: UInt8 = 2

    static func write(
        _ event: EventRecord, _ origin: EventOrigin, key: UnsafeRawBufferPointer,
        fields: UnsafeBufferPointer<FieldValue>?, into record: inout RecordWriter
    ) {
        record.removeAll()
        record.append(UInt32(0))
        record.append(UInt8(truncatingIfNeeded: event.stream))
        record.append((fields == nil ? 0 : hasFields) | (origin.isOffset ? isOffset : 0))
        record.append(UInt16(truncatingIfNeeded: key.count))
        record.append(origin.partition)
        record.append(event.time)
        record.append(event.id)
        record.append(origin.recordTime)
        record.append(origin.order)
        record.append(key)
        if let fields {
            for field in fields {
                record.append(field.kind.rawValue)
                switch field.kind {
                case .null: break
                case .integer: record.append(field.word)
                case .string, .vector: record.appendCounted(field.bytes)
                }
            }
        }
        record.store(UInt32(truncatingIfNeeded: record.count), at: 0)
    }

    /// One event of a bucket in memory.
    struct View {
        let base: UnsafeRawPointer

        var length: Int { Int(base.loadUnaligned(as: UInt32.self)) }
        var stream: Int { Int(base.load(fromByteOffset: 4, as: UInt8.self)) }
        private var flags: UInt8 { base.load(fromByteOffset: 5, as: UInt8.self) }
        var hasFields: Bool { flags & EventCodec.hasFields != 0 }
        var isOffset: Bool { flags & EventCodec.isOffset != 0 }
        private var keyBytes: Int { Int(base.loadUnaligned(fromByteOffset: 6, as: UInt16.self)) }
        var partition: Int32 { base.loadUnaligned(fromByteOffset: 8, as: Int32.self) }
        var time: Int64 { base.loadUnaligned(fromByteOffset: 12, as: Int64.self) }
        var id: UInt64 { base.loadUnaligned(fromByteOffset: 20, as: UInt64.self) }
        var recordTime: Int64 { base.loadUnaligned(fromByteOffset: 28, as: Int64.self) }
        var order: Int64 { base.loadUnaligned(fromByteOffset: 36, as: Int64.self) }
        var key: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base + headerBytes, count: keyBytes) }

        /// Writes the fields to `values`, which has room for `count`; null where the record has none. Strings stay in the record.
        func readFields(_ count: Int, into values: UnsafeMutablePointer<FieldValue>) {
            guard hasFields else {
                values.initialize(repeating: .null, count: count)
                return
            }
            var reader = RecordReader(base + headerBytes + keyBytes)
            for i in 0..<count {
                let value: FieldValue =
                    switch FieldValue.Kind(rawValue: reader.read(UInt8.self)) {
                    case .integer: .integer(reader.read())
                    case .string: .string(reader.counted())
                    case .vector: .vector(reader.counted())
                    default: .null
                    }
                (values + i).initialize(to: value)
            }
        }
    }
}

/// Requests as they lie in the spool.
///
///     length UInt32, row Int64, time Int64, key length UInt16, key, and per passed column: length UInt32 (all ones: null), bytes
enum RequestCodec {
    static let headerBytes = 22

    static func write(
        row: Int, time: Int64, key: UnsafeRawBufferPointer, cells: [[UInt8]?], into record: inout RecordWriter
    ) {
        record.removeAll()
        record.append(UInt32(0))
        record.append(Int64(row))
        record.append(time)
        record.append(UInt16(truncatingIfNeeded: key.count))
        record.append(key)
        for cell in cells {
            if let cell { cell.withUnsafeBytes { record.appendCounted($0) } } else { record.append(UInt32.max) }
        }
        record.store(UInt32(truncatingIfNeeded: record.count), at: 0)
    }

    struct View {
        let base: UnsafeRawPointer

        var length: Int { Int(base.loadUnaligned(as: UInt32.self)) }
        var row: Int64 { base.loadUnaligned(fromByteOffset: 4, as: Int64.self) }
        var time: Int64 { base.loadUnaligned(fromByteOffset: 12, as: Int64.self) }
        private var keyBytes: Int { Int(base.loadUnaligned(fromByteOffset: 20, as: UInt16.self)) }
        var key: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base + headerBytes, count: keyBytes) }
        /// The passed columns, as they are written.
        var cells: UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(start: base + headerBytes + keyBytes, count: length - headerBytes - keyBytes)
        }
    }
}
