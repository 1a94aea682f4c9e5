/// A number as written: `units · 10^-scale`, exact. The arithmetic that filters and derivations share.
///
/// Nothing here wraps or traps: what does not fit in 128 bits is nil.
struct Decimal128: Sendable, Equatable {
    var units: Int128
    var scale: Int

    /// Digits that a literal may have; 10^36 fits in an Int128 with room.
    static let maxDigits = 36
    /// Digits after the point that a literal may have.
    static let maxScale = 18

    /// 10^0 ... 10^38, the powers of ten that fit.
    private static let powers: [Int128] = {
        var powers: [Int128] = [1]
        while powers.count < 39 { powers.append(powers[powers.count - 1] * 10) }
        return powers
    }()

    static func power(_ exponent: Int) -> Int128? { powers.indices.contains(exponent) ? powers[exponent] : nil }

    /// The same number with `scale` digits after the point; nil when it has more digits than that, or does not fit.
    func exactly(scale wanted: Int) -> Int128? {
        if wanted >= scale {
            guard let factor = Self.power(wanted - scale) else { return nil }
            let (result, overflow) = units.multipliedReportingOverflow(by: factor)
            return overflow ? nil : result
        }
        guard let divisor = Self.power(scale - wanted) else { return units == 0 ? 0 : nil }
        let (quotient, rest) = units.quotientAndRemainder(dividingBy: divisor)
        return rest == 0 ? quotient : nil
    }

    /// The largest number of `scale` digits that is not above this one; nil when it does not fit.
    func floor(scale wanted: Int) -> Int128? {
        if wanted >= scale { return exactly(scale: wanted) }
        guard let divisor = Self.power(scale - wanted) else { return units < 0 ? -1 : 0 }
        let (quotient, rest) = units.quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? quotient - 1 : quotient
    }

    /// Less than 0, 0 or greater than 0, as `a` is below, equal to or above `b`. Always exact: a number too large for the common scale is
    /// larger than any that is not.
    static func order(_ a: Decimal128, _ b: Decimal128) -> Int {
        if a.scale == b.scale { return a.units < b.units ? -1 : (a.units == b.units ? 0 : 1) }
        if a.scale > b.scale { return -order(b, a) }
        guard a.units != 0, let units = a.exactly(scale: b.scale) else {
            let sign = a.units == 0 ? -b.units.signum() : a.units.signum()
            return sign < 0 ? -1 : (sign == 0 ? 0 : 1)
        }
        return units < b.units ? -1 : (units == b.units ? 0 : 1)
    }

    var double: Double {
        // Both are exact up to 2^53 and 10^22, so that the quotient is the nearest double.
        // By way of Int64 where it fits: the library converts 128 bits with generic code.
        if let small = Int64(exactly: units), let power = Self.power(scale), let divisor = Int64(exactly: power) {
            return Double(small) / Double(divisor)
        }
        guard scale > 0 else { return Double(units) }
        return Double(units) / Double(Self.power(scale) ?? 1)
    }
}
