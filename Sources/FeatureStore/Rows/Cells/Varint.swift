/// Unsigned LEB128: seven bits a byte, the lowest first, the high bit on all but the last. Written in as few bytes as possible.
enum Varint {
    static let maxBytes = 10

    @inline(__always)
    static func byteCount(_ value: UInt64) -> Int { value == 0 ? 1 : (64 - value.leadingZeroBitCount + 6) / 7 }

    /// Returns the offset after it.
    @inline(__always)
    static func write(_ value: UInt64, to bytes: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
        var at = offset
        var rest = value
        while rest >= 0x80 {
            bytes[at] = UInt8(truncatingIfNeeded: rest) | 0x80
            rest >>= 7
            at += 1
        }
        bytes[at] = UInt8(truncatingIfNeeded: rest)
        return at + 1
    }

    /// Of bytes in which `end` found one.
    @inline(__always)
    static func read(_ bytes: UnsafeRawBufferPointer, at offset: inout Int) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = bytes[offset]
            offset += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    /// The offset after the number at `offset`; nil when there is none, or one that is longer than it need be.
    static func end(in bytes: UnsafeRawBufferPointer, at offset: Int) -> Int? {
        var at = offset
        while at < bytes.count, at < offset + maxBytes {
            let byte = bytes[at]
            at += 1
            guard byte < 0x80 else { continue }
            if byte == 0, at > offset + 1 { return nil }
            return at == offset + maxBytes && byte > 1 ? nil : at
        }
        return nil
    }
}
