extension JSONWriter {
    public mutating func int(_ value: Int64) {
        reserve(Self.digitRoom)
        comma()
        if value < 0 { put(UInt8(ascii: "-")) }
        let digits = Self.digitCount(value.magnitude)
        putDigits(value.magnitude, width: digits)
    }

    /// `units · 10^-scale`, exactly and without trailing zeros in the fraction: 1250 with scale 2 is `12.5`. `scale` is 0...64.
    /// With `minimumPlaces` 1 it has a point, whatever its value: for readers that tell a type by the text.
    public mutating func decimal(units: Int128, scale: Int, minimumPlaces: Int = 0) {
        let start = count
        writeDecimal(units: units, scale: scale)
        guard minimumPlaces > 0, !UnsafeBufferPointer(rebasing: UnsafeBufferPointer(start: base, count: count)[start...]).contains(UInt8(ascii: ".")) else { return }
        reserve(minimumPlaces + 1)
        put(UInt8(ascii: "."))
        for _ in 0..<minimumPlaces { put(UInt8(ascii: "0")) }
    }

    @inline(__always)
    private mutating func writeDecimal(units: Int128, scale: Int) {
        reserve(Self.digitRoom)
        comma()
        if units < 0 { put(UInt8(ascii: "-")) }
        var rest = units.magnitude
        guard rest != 0 else { return put(UInt8(ascii: "0")) }
        var places = Swift.min(Swift.max(scale, 0), 64)
        guard var small = UInt64(exactly: rest) else {
            while places > 0, rest % 10 == 0 {
                rest /= 10
                places -= 1
            }
            return putLong(rest, places: places)
        }
        while places > 0, small % 10 == 0 {
            small /= 10
            places -= 1
        }
        if places == 0 { return putDigits(small, width: Self.digitCount(small)) }
        if places > 19 { return putLong(UInt128(small), places: places) }
        let power = Self.powersOfTen[places]
        let whole = small / power
        putDigits(whole, width: Self.digitCount(whole))
        put(UInt8(ascii: "."))
        putDigits(small % power, width: places)
    }

    /// The shortest text that reads back as the same double; `null` for infinities and NaN, which JSON does not have.
    public mutating func double(_ value: Double) {
        guard value.isFinite else { return null() }
        // The standard library makes a string of each; rates and shares are often 0 or 1.
        if let whole = Int32(exactly: value), whole != 0 || value.sign == .plus {
            int(Int64(whole))
            put(UInt8(ascii: "."))
            return put(UInt8(ascii: "0"))
        }
        reserve(Self.digitRoom)
        comma()
        var text = value.description
        text.withUTF8 { copy(UnsafeRawBufferPointer($0)) }
    }

    /// A sign, 39 digits or a zero, a point and 64 places.
    private static var digitRoom: Int { 112 }

    private static let powersOfTen: InlineArray<20, UInt64> = [
        1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 100_000_000_000, 1_000_000_000_000,
        10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000, 10_000_000_000_000_000, 100_000_000_000_000_000, 1_000_000_000_000_000_000,
        10_000_000_000_000_000_000,
    ]

    @inline(__always)
    private static func digitCount(_ value: UInt64) -> Int {
        var count = 1
        while count < 20, value >= powersOfTen[count] { count += 1 }
        return count
    }

    /// The last `width` decimal digits, with leading zeros.
    @inline(__always)
    mutating func putDigits(_ value: UInt64, width: Int) {
        var rest = value
        var at = count + width
        while at > count {
            at -= 1
            base[at] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count += width
    }

    private mutating func putLong(_ magnitude: UInt128, places: Int) {
        // Least significant digit first, then turned around.
        let start = count
        var rest = magnitude
        var written = 0
        while rest > 0 || written <= places {
            if written == places, places > 0 { put(UInt8(ascii: ".")) }
            put(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
            written += 1
        }
        var digits = UnsafeMutableBufferPointer(start: base + start, count: count - start)
        digits.reverse()
    }
}
