/// Writes the Protobuf wire format straight to bytes.
///
/// proto3's rule holds: a field without presence is left out when it has its default value; `optional` fields and members of a
/// `oneof` are written whenever they are set.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    private mutating func tag(_ field: Int, _ type: ProtobufReader.WireType) { varint(UInt64(field) << 3 | UInt64(type.rawValue)) }

    /// `optional int64`, or a member of a oneof.
    mutating func set(_ field: Int, _ value: Int64) {
        tag(field, .varint)
        varint(UInt64(bitPattern: value))
    }

    mutating func int64(_ field: Int, _ value: Int64) { if value != 0 { set(field, value) } }

    mutating func set(_ field: Int, _ value: Bool) {
        tag(field, .varint)
        bytes.append(value ? 1 : 0)
    }

    mutating func bool(_ field: Int, _ value: Bool) { if value { set(field, value) } }

    mutating func set(_ field: Int, _ value: Double) {
        tag(field, .fixed64)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// An element of a repeated field, or a member of a oneof: written also when empty.
    mutating func set(_ field: Int, _ text: String) {
        tag(field, .bytes)
        varint(UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func string(_ field: Int, _ text: String) { if !text.isEmpty { set(field, text) } }

    mutating func set(_ field: Int, _ content: some Collection<UInt8>) {
        tag(field, .bytes)
        varint(UInt64(content.count))
        bytes.append(contentsOf: content)
    }

    /// A message inside this one. One byte is kept for its length; the few messages of 128 bytes and more are moved up by the rest.
    @inline(__always)
    mutating func message(_ field: Int, _ write: (inout ProtobufWriter) -> Void) {
        tag(field, .bytes)
        let lengthAt = bytes.count
        bytes.append(0)
        write(&self)
        let count = bytes.count - lengthAt - 1
        if count < 0x80 {
            bytes[lengthAt] = UInt8(count)
        } else {
            var length = ProtobufWriter(capacity: 10)
            length.varint(UInt64(count))
            bytes.replaceSubrange(lengthAt...lengthAt, with: length.bytes)
        }
    }
}
