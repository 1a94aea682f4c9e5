/// A string of the document as it stands there: a slice of its bytes. Valid only while they are.
public struct JSONString {
    /// Between the quotes, escapes not resolved. Valid UTF-8.
    public let bytes: UnsafeRawBufferPointer
    /// Offset of the first of them in the document.
    public let position: Int
    /// Whether `bytes` differ from what they mean.
    public let hasEscapes: Bool

    public init(bytes: UnsafeRawBufferPointer, position: Int, hasEscapes: Bool) {
        self.bytes = bytes
        self.position = position
        self.hasEscapes = hasEscapes
    }

    /// Writes the string with its escapes resolved into `room`, which must hold `bytes.count` bytes (it never grows), and returns the
    /// number of bytes written. Half of a surrogate pair is an error: it has no UTF-8.
    public func unescape(into room: UnsafeMutableRawBufferPointer) throws(JSONError) -> Int {
        precondition(room.count >= bytes.count, "unescaping needs room for as many bytes as the string has")
        var read = 0
        var written = 0
        while read < bytes.count {
            let byte = bytes[read]
            guard byte == UInt8(ascii: "\\") else {
                room[written] = byte
                written += 1
                read += 1
                continue
            }
            guard read + 1 < bytes.count else { throw JSONError(.badEscape, at: position + read) }
            if bytes[read + 1] == UInt8(ascii: "u") {
                let scalar = try scalar(at: &read)
                for unit in UTF8.encode(scalar)! {
                    room[written] = unit
                    written += 1
                }
            } else {
                guard let plain = Self.plain(bytes[read + 1]) else { throw JSONError(.badEscape, at: position + read) }
                room[written] = plain
                written += 1
                read += 2
            }
        }
        return written
    }

    /// The scalar of the `\uXXXX` or the pair of them at `read`, which moves past it.
    private func scalar(at read: inout Int) throws(JSONError) -> Unicode.Scalar {
        let start = read
        guard let first = codeUnit(at: read) else { throw JSONError(.badEscape, at: position + start) }
        read += 6
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xdc00, let second = codeUnit(at: read), 0xdc00...0xdfff ~= second,
            let scalar = Unicode.Scalar(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
        else { throw JSONError(.badEscape, at: position + start) }
        read += 6
        return scalar
    }

    private func codeUnit(at offset: Int) -> UInt32? {
        guard offset + 6 <= bytes.count, bytes[offset] == UInt8(ascii: "\\"), bytes[offset + 1] == UInt8(ascii: "u") else {
            return nil
        }
        var unit: UInt32 = 0
        for n in offset + 2..<offset + 6 {
            guard let digit = Self.hexValue(bytes[n]) else { return nil }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    private static func plain(_ escape: UInt8) -> UInt8? {
        switch escape {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): escape
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0c
        case UInt8(ascii: "n"): 0x0a
        case UInt8(ascii: "r"): 0x0d
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }

    /// Of one hexadecimal digit; nil: it is none.
    package static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension JSONString {
    /// Compares with a name in source code. A string with escapes is resolved by the comparison.
    public static func == (string: JSONString, name: StaticString) -> Bool {
        let wanted = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        if !string.hasEscapes {
            return string.bytes.count == wanted.count && string.bytes.elementsEqual(wanted)
        }
        // Six bytes are the longest escape of one byte.
        guard string.bytes.count <= wanted.count * 6 else { return false }
        return withUnsafeTemporaryAllocation(byteCount: string.bytes.count, alignment: 1) { room in
            guard let count = try? string.unescape(into: room) else { return false }
            return count == wanted.count && room[..<count].elementsEqual(wanted)
        }
    }

    /// A copy as a Swift string; nil when an escape is half of a surrogate pair.
    public func text() -> String? {
        if !hasEscapes { return String(decoding: bytes, as: UTF8.self) }
        return withUnsafeTemporaryAllocation(byteCount: bytes.count, alignment: 1) { room in
            guard let count = try? unescape(into: room) else { return nil }
            return String(decoding: room[..<count], as: UTF8.self)
        }
    }
}
