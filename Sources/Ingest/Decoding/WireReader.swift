/// Reads Protobuf's wire format in place. Every length is checked against the bytes that are left.
struct WireReader {
    /// Groups inside each other, at most.
    static var maxGroupDepth: Int { 64 }

    private let base: UnsafeRawPointer
    private(set) var position: Int
    private(set) var end: Int

    /// `range` lies within `payload`.
    init(_ payload: UnsafeRawBufferPointer, in range: Range<Int>) {
        base = payload.baseAddress ?? UnsafeRawPointer(bitPattern: 8)!
        position = range.lowerBound
        end = range.upperBound
    }

    var isAtEnd: Bool { position >= end }

    @inline(__always)
    mutating func varint() throws(DecodeProblem) -> UInt64 {
        guard position < end else { throw .wireTruncated }
        let byte = base.load(fromByteOffset: position, as: UInt8.self)
        if byte < 0x80 {
            position += 1
            return UInt64(byte)
        }
        return try longVarint()
    }

    private mutating func longVarint() throws(DecodeProblem) -> UInt64 {
        var value: UInt64 = 0
        for n in 0..<10 {
            guard position + n < end else { throw .wireTruncated }
            let byte = base.load(fromByteOffset: position + n, as: UInt8.self)
            // Of the tenth byte only one bit has room; parsers drop the others.
            value |= UInt64(byte & 0x7f) << UInt64(n * 7)
            if byte < 0x80 {
                position += n + 1
                return value
            }
        }
        throw .wireVarint
    }

    /// Field number and wire type of the next field.
    @inline(__always)
    mutating func tag() throws(DecodeProblem) -> (field: Int32, wire: WireType) {
        let tag = try varint()
        guard tag <= UInt64(UInt32.max), tag >= 8, let wire = WireType(rawValue: UInt8(tag & 7)) else { throw .wireTag }
        return (Int32(tag >> 3), wire)
    }

    @inline(__always)
    mutating func fixed32() throws(DecodeProblem) -> UInt32 {
        guard end - position >= 4 else { throw .wireTruncated }
        defer { position += 4 }
        return UInt32(littleEndian: base.loadUnaligned(fromByteOffset: position, as: UInt32.self))
    }

    @inline(__always)
    mutating func fixed64() throws(DecodeProblem) -> UInt64 {
        guard end - position >= 8 else { throw .wireTruncated }
        defer { position += 8 }
        return UInt64(littleEndian: base.loadUnaligned(fromByteOffset: position, as: UInt64.self))
    }

    /// The range of the bytes, which are passed over.
    @inline(__always)
    mutating func lengthDelimited() throws(DecodeProblem) -> Range<Int> {
        let length = try varint()
        guard length <= UInt64(end - position) else { throw .wireTruncated }
        let start = position
        position += Int(length)
        return start..<position
    }

    /// Passes over the value of the field whose tag was just read.
    mutating func skip(_ wire: WireType, field: Int32, depth: Int = 0) throws(DecodeProblem) {
        switch wire {
        case .varint: _ = try varint()
        case .fixed64: _ = try fixed64()
        case .lengthDelimited: _ = try lengthDelimited()
        case .fixed32: _ = try fixed32()
        case .endGroup: throw .wireGroup
        case .startGroup:
            guard depth < Self.maxGroupDepth else { throw .wireTooDeep }
            while true {
                let inner = try tag()
                if inner.wire == .endGroup {
                    guard inner.field == field else { throw .wireGroup }
                    return
                }
                try skip(inner.wire, field: inner.field, depth: depth + 1)
            }
        }
    }
}

enum WireType: UInt8 {
    case varint = 0
    case fixed64, lengthDelimited, startGroup, endGroup, fixed32
}
