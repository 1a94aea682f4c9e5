/// A whole number of any size, by school arithmetic.
struct BigNatural: Comparable {
    /// In base 2^32, the lowest first; none is 0 at the end.
    private var digits: [UInt32] = []

    init(_ value: UInt128) {
        var rest = value
        while rest > 0 {
            digits.append(UInt32(truncatingIfNeeded: rest))
            rest >>= 32
        }
    }

    var isZero: Bool { digits.isEmpty }
    var double: Double { digits.reversed().reduce(0) { $0 * 4_294_967_296 + Double($1) } }

    static func < (a: BigNatural, b: BigNatural) -> Bool {
        if a.digits.count != b.digits.count { return a.digits.count < b.digits.count }
        for (x, y) in zip(a.digits.reversed(), b.digits.reversed()) where x != y { return x < y }
        return false
    }

    static func + (a: BigNatural, b: BigNatural) -> BigNatural {
        var sum = a, carry: UInt64 = 0
        for i in 0..<max(a.digits.count, b.digits.count) + 1 {
            let total = UInt64(i < a.digits.count ? a.digits[i] : 0) + UInt64(i < b.digits.count ? b.digits[i] : 0) + carry
            if i < sum.digits.count { sum.digits[i] = UInt32(truncatingIfNeeded: total) } else { sum.digits.append(UInt32(truncatingIfNeeded: total)) }
            carry = total >> 32
        }
        sum.trim()
        return sum
    }

    /// `b` is not larger.
    static func - (a: BigNatural, b: BigNatural) -> BigNatural {
        var difference = a, borrow: Int64 = 0
        for i in a.digits.indices {
            var digit = Int64(a.digits[i]) - Int64(i < b.digits.count ? b.digits[i] : 0) - borrow
            borrow = digit < 0 ? 1 : 0
            if digit < 0 { digit += 4_294_967_296 }
            difference.digits[i] = UInt32(digit)
        }
        difference.trim()
        return difference
    }

    static func * (a: BigNatural, b: BigNatural) -> BigNatural {
        var product = BigNatural(0)
        product.digits = Array(repeating: 0, count: a.digits.count + b.digits.count)
        for (i, x) in a.digits.enumerated() {
            var carry: UInt64 = 0
            for (j, y) in b.digits.enumerated() {
                let total = UInt64(x) * UInt64(y) + UInt64(product.digits[i + j]) + carry
                product.digits[i + j] = UInt32(truncatingIfNeeded: total)
                carry = total >> 32
            }
            product.digits[i + b.digits.count] = UInt32(carry)
        }
        product.trim()
        return product
    }

    func timesTwoToThe(_ power: Int) -> BigNatural {
        var result = self * BigNatural(UInt128(1) << UInt128(power % 32))
        if !result.isZero { result.digits.insert(contentsOf: Array(repeating: 0, count: power / 32), at: 0) }
        return result
    }

    private mutating func trim() { while digits.last == 0 { digits.removeLast() } }
}

/// The double nearest to `sqrt(square) / divisor`, ties to even: from an approximation step by step, until no neighbour is nearer.
func nearestRoot(_ square: BigNatural, over divisor: BigNatural) -> Double {
    if square.isZero { return 0 }
    /// Below 0, 0 or above 0 as the value is below, at or above the middle of `a` and the next double.
    func order(_ a: Double) -> Int {
        let middle = BigNatural(UInt128(a.significandBitPattern | 1 << 52) * 2 + 1) * divisor
        let exponent = 2 * (Int(a.exponent) - 53)
        var left = square, right = middle * middle
        if exponent < 0 { left = left.timesTwoToThe(-exponent) } else { right = right.timesTwoToThe(exponent) }
        return left < right ? -1 : (left == right ? 0 : 1)
    }
    var root = square.double.squareRoot() / divisor.double
    while order(root) > 0 || (order(root) == 0 && root.significandBitPattern & 1 == 1) { root = root.nextUp }
    while order(root.nextDown) < 0 || (order(root.nextDown) == 0 && root.significandBitPattern & 1 == 1) { root = root.nextDown }
    return root
}
