/// Exact conversions between decimal text, as JSON writes numbers, and integers.
public enum JSONNumber {
    /// What became of a text.
    public enum Parsed: Sendable, Equatable {
        case value(Int64)
        /// Not a number by RFC 8259, or not a whole one where a whole one is asked for.
        case notANumber
        /// Beyond Int64.
        case outOfRange

        public var value: Int64? { if case .value(let value) = self { value } else { nil } }
    }

    /// The number in units of `10^-scale`: `12.5` with scale 2 is 1250. Digits beyond the scale round half to even. `scale` is 0...18.
    ///
    /// The text is checked, so it may come from a string as well. O(digits); never builds a `Double`.
    public static func parseDecimal(_ text: UnsafeRawBufferPointer, scale: Int) -> Parsed {
        parse(text, scale: scale, whole: false)
    }

    /// The number, when it is a whole one: `12`, `12.0` and `1.2e1` are.
    public static func parseInt64(_ text: UnsafeRawBufferPointer) -> Parsed {
        parse(text, scale: 0, whole: true)
    }

    /// The double nearest to the number; infinite beyond the range. Nil: not a number by RFC 8259, of which `Double` takes more.
    public static func parseDouble(_ text: UnsafeRawBufferPointer) -> Double? {
        parseDecimal(text, scale: 0) == .notANumber ? nil : Double(String(decoding: text, as: UTF8.self))
    }

    private static func parse(_ text: UnsafeRawBufferPointer, scale: Int, whole: Bool) -> Parsed {
        precondition(0...18 ~= scale, "a decimal's scale is 0...18")
        let count = text.count
        var at = 0
        let negative = count > 0 && text[0] == UInt8(ascii: "-")
        if negative { at = 1 }
        let integer = at
        var significand: UInt64 = 0
        while at < count, isDigit(text[at]) {
            significand = significand &* 10 &+ UInt64(text[at] &- UInt8(ascii: "0"))
            at += 1
        }
        guard at > integer, text[integer] != UInt8(ascii: "0") || at == integer + 1 else { return .notANumber }
        var digits = at - integer
        var fraction = 0
        if at < count, text[at] == UInt8(ascii: ".") {
            let point = at
            at += 1
            while at < count, isDigit(text[at]) {
                significand = significand &* 10 &+ UInt64(text[at] &- UInt8(ascii: "0"))
                at += 1
            }
            fraction = at - point - 1
            guard fraction > 0 else { return .notANumber }
            digits += fraction
        }
        guard at == count, digits <= 18 else {
            return parseLong(text, integer: integer, mantissaEnd: at, fraction: fraction, scale: scale, whole: whole)
        }
        var magnitude: UInt64
        if fraction <= scale {
            let scaled = significand.multipliedReportingOverflow(by: powerOfTen(scale - fraction))
            guard !scaled.overflow else { return .outOfRange }
            magnitude = scaled.partialValue
        } else {
            let (quotient, rest) = significand.quotientAndRemainder(dividingBy: powerOfTen(fraction - scale))
            if whole, rest != 0 { return .notANumber }
            let half = powerOfTen(fraction - scale) / 2
            magnitude = quotient
            if rest > half || (rest == half && quotient & 1 == 1) { magnitude += 1 }
        }
        return signed(magnitude, negative: negative)
    }

    /// An exponent, or more digits than fit in a word: the number is read as `0.d₁d₂…dₙ · 10^point` and cut at the scale.
    private static func parseLong(
        _ text: UnsafeRawBufferPointer, integer: Int, mantissaEnd: Int, fraction: Int, scale: Int, whole: Bool
    ) -> Parsed {
        guard let exponent = parseExponent(text, from: mantissaEnd) else { return .notANumber }
        // Leading zeros carry nothing but their place.
        var first = integer
        var zeros = 0
        while first < mantissaEnd, text[first] == UInt8(ascii: "0") || text[first] == UInt8(ascii: ".") {
            if text[first] == UInt8(ascii: "0") { zeros += 1 }
            first += 1
        }
        guard first < mantissaEnd else { return .value(0) }
        let written = mantissaEnd - integer - (fraction > 0 ? 1 : 0)
        // How many of the digits d are left of the cut.
        let kept = written - fraction - zeros + exponent + scale
        guard kept <= 19 else { return .outOfRange }
        var magnitude: UInt64 = 0
        var taken = 0
        var next: UInt8 = 0
        var isRestZero = true
        for n in first..<mantissaEnd where text[n] != UInt8(ascii: ".") {
            let digit = text[n] &- UInt8(ascii: "0")
            if taken < kept {
                magnitude = magnitude * 10 + UInt64(digit)
            } else if taken == kept {
                next = digit
            } else if digit != 0 {
                isRestZero = false
            }
            taken += 1
        }
        // With fewer than no digits kept, the digit right of the cut is a zero and d₁ lies further right.
        if kept < 0 { (next, isRestZero) = (0, false) }
        if whole, next != 0 || !isRestZero { return .notANumber }
        while taken < kept {
            magnitude = magnitude * 10
            taken += 1
        }
        if next > 5 || (next == 5 && (!isRestZero || magnitude & 1 == 1)) { magnitude += 1 }
        return signed(magnitude, negative: text[0] == UInt8(ascii: "-"))
    }

    /// Nil when what follows the mantissa is not an exponent. Saturates far beyond what any mantissa could balance.
    private static func parseExponent(_ text: UnsafeRawBufferPointer, from start: Int) -> Int? {
        if start == text.count { return 0 }
        guard text[start] | 0x20 == UInt8(ascii: "e") else { return nil }
        var at = start + 1
        var negative = false
        if at < text.count, text[at] == UInt8(ascii: "+") || text[at] == UInt8(ascii: "-") {
            negative = text[at] == UInt8(ascii: "-")
            at += 1
        }
        guard at < text.count else { return nil }
        var exponent = 0
        while at < text.count {
            guard isDigit(text[at]) else { return nil }
            exponent = min(exponent * 10 + Int(text[at] &- UInt8(ascii: "0")), 1 << 48)
            at += 1
        }
        return negative ? -exponent : exponent
    }

    private static func signed(_ magnitude: UInt64, negative: Bool) -> Parsed {
        if negative {
            magnitude <= UInt64(Int64.max) + 1 ? .value(Int64(truncatingIfNeeded: 0 &- magnitude)) : .outOfRange
        } else {
            magnitude <= UInt64(Int64.max) ? .value(Int64(magnitude)) : .outOfRange
        }
    }

    /// `10^exponent`; 0...18.
    @inline(__always) static func powerOfTen(_ exponent: Int) -> UInt64 {
        switch exponent {
        case 0: 1
        case 1: 10
        case 2: 100
        case 3: 1_000
        case 4: 10_000
        case 5: 100_000
        case 6: 1_000_000
        case 7: 10_000_000
        case 8: 100_000_000
        case 9: 1_000_000_000
        case 10: 10_000_000_000
        case 11: 100_000_000_000
        case 12: 1_000_000_000_000
        case 13: 10_000_000_000_000
        case 14: 100_000_000_000_000
        case 15: 1_000_000_000_000_000
        case 16: 10_000_000_000_000_000
        case 17: 100_000_000_000_000_000
        default: 1_000_000_000_000_000_000
        }
    }
}
