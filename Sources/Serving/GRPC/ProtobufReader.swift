/// Reads the Protobuf wire format field by field. Source: protobuf.dev, "Encoding".
///
/// Every length is checked against the bytes that are left; unknown fields are skipped; nothing is recursive.
struct ProtobufReader {
    enum WireType: UInt8 {
        case varint = 0
        case fixed64 = 1
        case bytes = 2
        case fixed32 = 5
    }

    let bytes: UnsafeRawBufferPointer
    private var position = 0

    /// The bytes must outlive the reader.
    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next field; nil at the end.
    mutating func nextField() throws(MalformedMessage) -> (number: Int, type: WireType)? {
        if position == bytes.count { return nil }
        let tag = try varint()
        // Groups (3 and 4) are gone since proto2 and never in our messages.
        guard let type = WireType(rawValue: UInt8(tag & 7)) else { throw problem("wire type \(tag & 7)") }
        let number = tag >> 3
        guard number >= 1, number < 1 << 29 else { throw problem("field number \(number)") }
        return (Int(number), type)
    }

    mutating func varint() throws(MalformedMessage) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if shift == 63, byte > 1 { throw problem("a varint of more than 64 bits") }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
            if shift > 63 { throw problem("a varint of more than ten bytes") }
        }
        throw problem("a varint that does not end")
    }

    mutating func fixed64() throws(MalformedMessage) -> UInt64 {
        guard bytes.count - position >= 8 else { throw problem("a field longer than the message") }
        defer { position += 8 }
        return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
    }

    mutating func fixed32() throws(MalformedMessage) -> UInt32 {
        guard bytes.count - position >= 4 else { throw problem("a field longer than the message") }
        defer { position += 4 }
        return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
    }

    var isAtEnd: Bool { position == bytes.count }

    mutating func string() throws(MalformedMessage) -> String {
        let count = try varint()
        guard count <= UInt64(bytes.count - position) else { throw problem("a field longer than the message") }
        let slice = UnsafeRawBufferPointer(rebasing: bytes[position..<position + Int(count)])
        guard let text = String(validating: slice, as: UTF8.self) else { throw problem("a string that is not UTF-8") }
        position += Int(count)
        return text
    }

    /// A message inside this one.
    mutating func message() throws(MalformedMessage) -> ProtobufReader {
        let count = try varint()
        guard count <= UInt64(bytes.count - position) else { throw problem("a field longer than the message") }
        defer { position += Int(count) }
        return ProtobufReader(UnsafeRawBufferPointer(rebasing: bytes[position..<position + Int(count)]))
    }

    /// Passes over the value of a field of this type.
    mutating func skip(_ type: WireType) throws(MalformedMessage) {
        let count: UInt64
        switch type {
        case .varint:
            _ = try varint()
            return
        case .fixed64: count = 8
        case .fixed32: count = 4
        case .bytes: count = try varint()
        }
        guard count <= UInt64(bytes.count - position) else { throw problem("a field longer than the message") }
        position += Int(count)
    }

    private func problem(_ what: String) -> MalformedMessage { MalformedMessage(position: position, what: what) }
}

/// A message that is not Protobuf, or not the one that was expected.
struct MalformedMessage: Error, Equatable {
    var position: Int
    var what: String
}
