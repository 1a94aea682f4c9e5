/// The double nearest to `numerator / denominator`, ties to even; the denominator is positive.
package func nearestDouble(_ numerator: Int128, over denominator: Int128) -> Double {
    // Both are doubles themselves. By way of Int64: the library converts 128 bits with generic code.
    let limit: Int128 = 0x20_0000_0000_0000
    if -limit < numerator, numerator < limit, denominator < limit {
        return Double(Int64(truncatingIfNeeded: numerator)) / Double(Int64(truncatingIfNeeded: denominator))
    }
    let d = denominator.magnitude
    var (q, r) = numerator.magnitude.quotientAndRemainder(dividingBy: d)
    var exponent = 0
    // At least 64 bits of quotient, then one sticky bit for all that follows.
    while q < UInt128(1) << 64, r != 0 {
        r <<= 1
        q <<= 1
        if r >= d {
            r -= d
            q |= 1
        }
        exponent -= 1
        if exponent < -1200 { break }
    }
    if r != 0 { q |= 1 }
    let magnitude = Double(q) * Double(sign: .plus, exponent: exponent, significand: 1)
    return numerator < 0 ? -magnitude : magnitude
}

extension Value {
    /// Of a number, a decimal rounded to even; a bool is 0 or 1. Nil: it is none.
    package var nearestDouble: Double? {
        switch self {
        case .bool(let value): value ? 1 : 0
        case .int(let value): Double(value)
        case .double(let value): value
        case .decimal(let units, let scale): FeatureStore.nearestDouble(units, over: .powerOfTen(scale))
        case .null, .string, .list, .map: nil
        }
    }
}

extension Int128 {
    /// `n` is 0 to 38.
    package static func powerOfTen(_ n: Int) -> Int128 {
        var power: Int128 = 1
        for _ in 0..<n { power *= 10 }
        return power
    }
}
