extension JSONNumber {
    /// Bytes that the decimal text of any 64-bit integer fits in.
    public static var maxIntegerBytes: Int { 20 }

    /// Writes the decimal text of `value` into `room`, which holds at least `maxIntegerBytes`; returns its length.
    public static func write(_ value: Int64, into room: UnsafeMutableRawBufferPointer) -> Int {
        if value >= 0 { return write(UInt64(value), into: room) }
        room[0] = UInt8(ascii: "-")
        return 1 + write(value.magnitude, into: UnsafeMutableRawBufferPointer(rebasing: room[1...]))
    }

    public static func write(_ value: UInt64, into room: UnsafeMutableRawBufferPointer) -> Int {
        var length = 1
        var rest = value / 10
        while rest > 0 {
            length += 1
            rest /= 10
        }
        rest = value
        for n in stride(from: length - 1, through: 0, by: -1) {
            room[n] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        return length
    }
}
