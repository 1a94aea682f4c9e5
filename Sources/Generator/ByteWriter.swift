/// Appends text to a fixed buffer without building strings. The buffer must have room for everything that is written: each caller
/// writes a bounded number of bounded fields, and a debug build checks it.
struct ByteWriter {
    private let base: UnsafeMutablePointer<UInt8>
    private let capacity: Int
    private(set) var count = 0

    init(_ buffer: UnsafeMutableBufferPointer<UInt8>) {
        // A buffer of capacity above 0 has an address.
        base = buffer.baseAddress!
        capacity = buffer.count
    }

    mutating func put(_ text: StaticString) {
        put(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func put(_ bytes: UnsafeBufferPointer<UInt8>) {
        assert(count + bytes.count <= capacity)
        if let from = bytes.baseAddress { (base + count).update(from: from, count: bytes.count) }
        count += bytes.count
    }

    mutating func put(_ byte: UInt8) {
        assert(count < capacity)
        base[count] = byte
        count += 1
    }

    /// Decimal digits, with zeros before them up to `width`; `width` at most 20.
    mutating func put(decimal value: UInt64, width: Int = 1) {
        var digits = 1
        var limit: UInt64 = 10
        while digits < 20, value >= limit {
            digits += 1
            let (next, overflow) = limit.multipliedReportingOverflow(by: 10)
            if overflow { break }
            limit = next
        }
        let length = max(digits, width)
        assert(count + length <= capacity)
        var rest = value
        var at = count + length - 1
        while at >= count {
            base[at] = 48 &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
            at -= 1
        }
        count += length
    }

    /// Sixteen lower-case hexadecimal digits.
    mutating func put(hex value: UInt64) {
        assert(count + 16 <= capacity)
        var shift: UInt64 = 64
        while shift > 0 {
            shift -= 4
            let nibble = UInt8(truncatingIfNeeded: (value >> shift) & 15)
            base[count] = nibble < 10 ? 48 + nibble : 87 + nibble
            count += 1
        }
    }

    /// An amount of cents as units with two digits, as in `259.90`.
    mutating func put(cents: UInt64) {
        put(decimal: cents / 100)
        put(UInt8(ascii: "."))
        put(decimal: cents % 100, width: 2)
    }

    /// RFC 3339 in UTC with milliseconds; `milliseconds` since the epoch, 0 or later and before the year 10000.
    ///
    /// Source of the calendar: Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
    mutating func put(rfc3339 milliseconds: Int64) {
        let days = milliseconds / 86_400_000
        let withinDay = UInt64(milliseconds - days * 86_400_000)
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        put(decimal: UInt64(year), width: 4)
        put(UInt8(ascii: "-"))
        put(decimal: UInt64(month), width: 2)
        put(UInt8(ascii: "-"))
        put(decimal: UInt64(day), width: 2)
        put(UInt8(ascii: "T"))
        put(decimal: withinDay / 3_600_000, width: 2)
        put(UInt8(ascii: ":"))
        put(decimal: withinDay / 60_000 % 60, width: 2)
        put(UInt8(ascii: ":"))
        put(decimal: withinDay / 1_000 % 60, width: 2)
        put(UInt8(ascii: "."))
        put(decimal: withinDay % 1_000, width: 3)
        put(UInt8(ascii: "Z"))
    }
}
