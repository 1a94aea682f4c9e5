/// Writes Protobuf wire bytes by hand, right and wrong ones.
struct WireWriter {
    var bytes: [UInt8] = []

    static func message(_ body: (inout WireWriter) -> Void) -> [UInt8] {
        var writer = WireWriter()
        body(&writer)
        return writer.bytes
    }

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
    mutating func tag(_ field: Int, _ wire: Int) { varint(UInt64(field << 3 | wire)) }
    mutating func int(_ field: Int, _ value: Int64) {
        tag(field, 0)
        varint(UInt64(bitPattern: value))
    }
    mutating func zigzag(_ field: Int, _ value: Int64) {
        tag(field, 0)
        varint(UInt64(bitPattern: value << 1 ^ value >> 63))
    }
    mutating func fixed32(_ field: Int, _ value: UInt32) {
        tag(field, 5)
        for n in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(n * 8))) }
    }
    mutating func fixed64(_ field: Int, _ value: UInt64) {
        tag(field, 1)
        for n in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(n * 8))) }
    }
    mutating func data(_ field: Int, _ value: [UInt8]) {
        tag(field, 2)
        varint(UInt64(value.count))
        bytes += value
    }
    mutating func string(_ field: Int, _ value: String) { data(field, Array(value.utf8)) }
    mutating func message(_ field: Int, _ body: (inout WireWriter) -> Void) { data(field, Self.message(body)) }
    mutating func group(_ field: Int, _ body: (inout WireWriter) -> Void) {
        tag(field, 3)
        body(&self)
        tag(field, 4)
    }
    mutating func timestamp(_ field: Int, micros: Int64) {
        message(field) {
            $0.int(1, micros / 1_000_000)
            if micros % 1_000_000 != 0 { $0.int(2, micros % 1_000_000 * 1_000) }
        }
    }
}
