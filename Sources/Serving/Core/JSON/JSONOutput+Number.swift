extension JSONOutput {
    public mutating func integer(_ value: Int64) {
        if value < 0 { raw("-") }
        digits(UInt128(value.magnitude), scale: 0)
    }

    /// `units · 10^-scale`, every digit, without trailing zeros in the fraction: 12340 at scale 3 is `12.34`.
    public mutating func decimal(units: Int128, scale: Int) {
        if units < 0 { raw("-") }
        digits(units.magnitude, scale: min(max(scale, 0), 64))
    }

    /// The shortest form that reads back the same; JSON has no infinities and no NaN, they are `null`.
    public mutating func double(_ value: Double) {
        guard value.isFinite else { return raw("null") }
        bytes.append(contentsOf: value.description.utf8)
    }

    private mutating func digits(_ magnitude: UInt128, scale: Int) {
        // 39 digits, or a 0 and a point before `scale` digits.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 112) { room in
            var at = room.count
            var fraction = scale
            var rest = magnitude
            // Trailing zeros of the fraction say nothing.
            while fraction > 0, rest % 10 == 0 {
                rest /= 10
                fraction -= 1
            }
            var written = 0
            @inline(__always) func put(_ digit: UInt8) {
                at -= 1
                room[at] = 0x30 + digit
                written += 1
                if written == fraction {
                    at -= 1
                    room[at] = UInt8(ascii: ".")
                }
            }
            while rest > UInt128(UInt64.max) {
                put(UInt8(truncatingIfNeeded: rest % 10))
                rest /= 10
            }
            var small = UInt64(rest)
            repeat {
                put(UInt8(truncatingIfNeeded: small % 10))
                small /= 10
            } while small > 0 || written <= fraction && fraction > 0
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: room[at...]))
        }
    }
}

extension JSONOutput {
    /// A quoted RFC 3339 time in UTC with six digits of seconds. Years beyond 9999 or before 0 are written with a sign and as many digits as needed.
    public mutating func time(_ microseconds: Int64) {
        let (secondsSinceEpoch, fraction) = microseconds.floored(by: 1_000_000)
        let (dayNumber, secondOfDay) = secondsSinceEpoch.floored(by: 86_400)
        let (year, month, day) = TimeText.civil(day: dayNumber)
        raw("\"")
        if year < 0 || year > 9999 {
            year < 0 ? raw("-") : raw("+")
            bytes.append(contentsOf: String(year.magnitude).utf8)
        }
        // `YYYY-MM-DDTHH:MM:SS.ffffffZ"` from the back, appended at once: an answer has one for each feature.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 28) { room in
            var at = room.count
            @inline(__always) func put(_ byte: UInt8) {
                at -= 1
                room[at] = byte
            }
            @inline(__always) func put(_ number: Int, width: Int) {
                var rest = number
                for _ in 0..<width {
                    put(0x30 + UInt8(truncatingIfNeeded: rest % 10))
                    rest /= 10
                }
            }
            put(UInt8(ascii: "\""))
            put(UInt8(ascii: "Z"))
            put(Int(fraction), width: 6)
            put(UInt8(ascii: "."))
            put(Int(secondOfDay % 60), width: 2)
            put(UInt8(ascii: ":"))
            put(Int(secondOfDay / 60 % 60), width: 2)
            put(UInt8(ascii: ":"))
            put(Int(secondOfDay / 3600), width: 2)
            put(UInt8(ascii: "T"))
            put(day, width: 2)
            put(UInt8(ascii: "-"))
            put(month, width: 2)
            put(UInt8(ascii: "-"))
            if year >= 0, year <= 9999 { put(Int(year), width: 4) }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: room[at...]))
        }
    }
}

extension Int64 {
    /// Quotient rounded down and a remainder that is never negative; holds for every `Int64`.
    fileprivate func floored(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
