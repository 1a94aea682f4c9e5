/// Whether bytes are UTF-8 as the Unicode standard defines it (table 3-7): no overlong forms, no surrogates, nothing above U+10FFFF.
public enum UTF8Validation {
    @inline(__always) public static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool { firstFault(in: bytes) == nil }

    /// The offset of the first sequence that is not UTF-8; nil when there is none. O(n), eight bytes a step while they are ASCII.
    public static func firstFault(in bytes: UnsafeRawBufferPointer) -> Int? {
        var at = 0
        let count = bytes.count
        while at < count {
            if at + 8 <= count, bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self) & 0x8080_8080_8080_8080 == 0 {
                at += 8
                continue
            }
            let lead = bytes[at]
            if lead < 0x80 {
                at += 1
                continue
            }
            // How many bytes follow, and the bounds of the first of them, which exclude the forbidden ranges.
            let following: Int
            var low: UInt8 = 0x80
            var high: UInt8 = 0xbf
            switch lead {
            case 0xc2...0xdf: following = 1
            case 0xe0...0xef:
                following = 2
                if lead == 0xe0 { low = 0xa0 }
                if lead == 0xed { high = 0x9f }
            case 0xf0...0xf4:
                following = 3
                if lead == 0xf0 { low = 0x90 }
                if lead == 0xf4 { high = 0x8f }
            default: return at
            }
            guard at + following < count, low...high ~= bytes[at + 1] else { return at }
            if following >= 2, bytes[at + 2] & 0xc0 != 0x80 { return at }
            if following == 3, bytes[at + 3] & 0xc0 != 0x80 { return at }
            at += following + 1
        }
        return nil
    }
}
