internal import CAvro

/// Reads records of one schema out of the bytes of a container's block, one after another, into the same value.
///
/// One thread uses it.
public final class AvroRecordReader {
    private let schema: AvroSchema
    private let interface: UnsafeMutablePointer<avro_value_iface_t>
    private var value = avro_value_t()
    private let reader: avro_reader_t

    public init(_ schema: AvroSchema) throws(AvroError) {
        guard let interface = avro_generic_class_from_schema(schema.pointer) else { throw .last("the schema cannot be used") }
        var value = avro_value_t()
        guard avro_generic_value_new(interface, &value) == 0 else {
            millrace_avro_iface_decref(interface)
            throw .last("the schema cannot be used")
        }
        guard let reader = avro_reader_memory(nil, 0) else {
            millrace_avro_value_decref(&value)
            millrace_avro_iface_decref(interface)
            throw .last("out of memory")
        }
        self.schema = schema
        self.interface = interface
        self.value = value
        self.reader = reader
    }

    deinit {
        avro_reader_free(reader)
        millrace_avro_value_decref(&value)
        millrace_avro_iface_decref(interface)
    }

    /// Begins with `bytes`, which must stay until the last record was read.
    public func begin(_ bytes: UnsafeRawBufferPointer) {
        avro_reader_memory_set_source(reader, bytes.bindMemory(to: CChar.self).baseAddress, Int64(bytes.count))
    }

    /// Reads the next record. It holds until the next call.
    public func next() throws(AvroError) -> AvroValue {
        guard avro_value_read(reader, &value) == 0 else { throw .last("the record cannot be read by its schema") }
        return AvroValue(value: value)
    }

    /// Whether all bytes were read.
    public var isAtEnd: Bool {
        // libavro does not say how far a memory reader is; reading one byte more must fail.
        var byte: UInt8 = 0
        return avro_read(reader, &byte, 1) != 0
    }
}

/// A value as libavro holds it. Valid until the next record is read.
public struct AvroValue {
    var value: avro_value_t

    /// Of a record.
    public func field(_ index: Int) -> AvroValue? {
        var copy = value, field = avro_value_t()
        return millrace_avro_field(&copy, index, &field) == 0 ? AvroValue(value: field) : nil
    }

    /// A scalar; of a union, what its present branch holds.
    public enum Scalar {
        case null
        case bool(Bool)
        case integer(Int64)
        case float(Float)
        case double(Double)
        /// Of a string without its zero, of bytes, of a fixed.
        case string(UnsafeRawBufferPointer)
        case bytes(UnsafeRawBufferPointer)
        /// Index of the symbol.
        case enumeration(Int)
        case record(AvroValue)
        /// An array or a map.
        case collection
    }

    public var scalar: Scalar {
        var copy = value
        if millrace_avro_type(&copy) == AVRO_UNION {
            var branch = avro_value_t()
            guard millrace_avro_branch(&copy, &branch) == 0 else { return .null }
            copy = branch
        }
        var size = 0
        switch millrace_avro_type(&copy) {
        case AVRO_BOOLEAN:
            var flag: Int32 = 0
            millrace_avro_boolean(&copy, &flag)
            return .bool(flag != 0)
        case AVRO_INT32:
            var number: Int32 = 0
            millrace_avro_int(&copy, &number)
            return .integer(Int64(number))
        case AVRO_INT64:
            var number: Int64 = 0
            millrace_avro_long(&copy, &number)
            return .integer(number)
        case AVRO_FLOAT:
            var number: Float = 0
            millrace_avro_float(&copy, &number)
            return .float(number)
        case AVRO_DOUBLE:
            var number = 0.0
            millrace_avro_double(&copy, &number)
            return .double(number)
        case AVRO_STRING:
            var text: UnsafePointer<CChar>?
            guard millrace_avro_string(&copy, &text, &size) == 0, let text else { return .null }
            return .string(UnsafeRawBufferPointer(start: text, count: max(0, size - 1)))
        case AVRO_BYTES:
            var bytes: UnsafeRawPointer?
            guard millrace_avro_bytes(&copy, &bytes, &size) == 0 else { return .null }
            return .bytes(UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : size))
        case AVRO_FIXED:
            var bytes: UnsafeRawPointer?
            guard millrace_avro_fixed(&copy, &bytes, &size) == 0 else { return .null }
            return .bytes(UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : size))
        case AVRO_ENUM:
            var index: Int32 = 0
            millrace_avro_enum(&copy, &index)
            return .enumeration(Int(index))
        case AVRO_RECORD: return .record(AvroValue(value: copy))
        case AVRO_ARRAY, AVRO_MAP: return .collection
        default: return .null
        }
    }
}
