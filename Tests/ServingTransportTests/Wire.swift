/// A second, naive implementation of the Protobuf wire format, to check ours against.
enum Wire {
    enum Field: Equatable {
        case number(UInt64)
        case bytes([UInt8])

        var message: [Int: [Field]] {
            get throws {
                guard case .bytes(let bytes) = self else { throw Malformed() }
                return try decode(bytes)
            }
        }
    }
    struct Malformed: Error {}

    static func varint(_ value: UInt64) -> [UInt8] { value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7f) | 0x80] + varint(value >> 7) }
    static func varint(_ field: Int, _ value: Int64) -> [UInt8] { varint(UInt64(field) << 3) + varint(UInt64(bitPattern: value)) }
    static func string(_ field: Int, _ text: String) -> [UInt8] {
        varint(UInt64(field) << 3 | 2) + varint(UInt64(text.utf8.count)) + Array(text.utf8)
    }

    static func decode(_ bytes: [UInt8]) throws -> [Int: [Field]] {
        var rest = bytes[...]
        func varint() throws -> UInt64 {
            var value: UInt64 = 0
            var shift = 0
            while let byte = rest.popFirst() {
                value |= UInt64(byte & 0x7f) << shift
                if byte < 0x80 { return value }
                shift += 7
            }
            throw Malformed()
        }
        var fields: [Int: [Field]] = [:]
        while !rest.isEmpty {
            let tag = try varint()
            let field: Field
            switch tag & 7 {
            case 0: field = .number(try varint())
            case 1:
                field = .number((0..<8).reduce(0) { sum, i in sum | UInt64(rest.removeFirst()) << (8 * UInt64(i)) })
            case 2:
                let count = Int(try varint())
                guard count <= rest.count else { throw Malformed() }
                field = .bytes(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            default: throw Malformed()
            }
            fields[Int(tag >> 3), default: []].append(field)
        }
        return fields
    }
}
