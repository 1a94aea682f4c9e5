/// Where whole records end in a piece of a file. Pure.
enum RecordSplitter {
    /// Behind the last line break in the bytes; 0: there is none.
    static func endOfLines(_ bytes: UnsafeRawBufferPointer) -> Int {
        var end = bytes.count
        while end > 0, bytes[end - 1] != 0x0a { end -= 1 }
        return end
    }

    /// Behind the last line break that lies in no quoted field, when the bytes begin with a record; 0: there is none.
    ///
    /// A quote within a quoted field is written twice, so outside of quotes their number is even (RFC 4180, section 2).
    static func endOfRows(_ bytes: UnsafeRawBufferPointer) -> Int {
        var isEven = quotes(bytes) & 1 == 0
        var at = bytes.count
        while at > 0 {
            let end = endOfLines(UnsafeRawBufferPointer(rebasing: bytes[..<at]))
            if end == 0 { return 0 }
            if quotes(UnsafeRawBufferPointer(rebasing: bytes[end..<at])) & 1 == 1 { isEven.toggle() }
            if isEven { return end }
            at = end - 1
        }
        return 0
    }

    private static func quotes(_ bytes: UnsafeRawBufferPointer) -> Int {
        var count = 0
        for byte in bytes where byte == UInt8(ascii: "\"") { count &+= 1 }
        return count
    }

    /// How far whole messages reach, each a varint length and as many bytes.
    ///
    /// `problem`: the length behind `end` is no varint, or beyond `maxBytes`.
    static func endOfMessages(_ bytes: UnsafeRawBufferPointer, maxBytes: Int) -> (end: Int, problem: String?) {
        var end = 0
        while true {
            guard let (length, start) = messageLength(bytes, at: end) else {
                return (end, bytes.count - end >= 10 ? "a message does not begin with its length" : nil)
            }
            guard length <= UInt64(maxBytes) else {
                return (end, "a message says that it has \(length) bytes, and at most \(maxBytes) are read: this is no length-delimited Protobuf, or it is damaged")
            }
            guard Int(length) <= bytes.count - start else { return (end, nil) }
            end = start + Int(length)
        }
    }

    /// The varint at `at` and the offset behind it; nil when it does not end in the bytes.
    @inline(__always)
    static func messageLength(_ bytes: UnsafeRawBufferPointer, at: Int) -> (length: UInt64, start: Int)? {
        var value: UInt64 = 0
        for n in 0..<10 {
            guard at + n < bytes.count else { return nil }
            value |= UInt64(bytes[at + n] & 0x7f) << UInt64(7 * n)
            if bytes[at + n] < 0x80 { return (value, at + n + 1) }
        }
        return nil
    }
}
