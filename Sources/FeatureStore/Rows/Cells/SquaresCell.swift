/// The exact sum of squares: three UInt64, the lowest first. It cannot overflow: 2^64 squares of 63 bits have 190.
enum SquaresCell {
    static let byteCount = 24

    @inline(__always)
    static func create(_ cell: UnsafeMutableRawPointer) { store((0, 0, 0), cell) }

    @inline(__always)
    static func add(_ word: Int64, to cell: UnsafeMutableRawPointer) {
        let square = word.magnitude.multipliedFullWidth(by: word.magnitude)
        add((square.low, square.high, 0), to: cell)
    }

    @inline(__always)
    static func merge(_ other: UnsafeRawPointer, into cell: UnsafeMutableRawPointer) { add(value(other), to: cell) }

    @inline(__always)
    static func value(_ cell: UnsafeRawPointer) -> (UInt64, UInt64, UInt64) {
        (
            cell.loadUnaligned(as: UInt64.self), cell.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
            cell.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        )
    }

    @inline(__always)
    private static func add(_ b: (UInt64, UInt64, UInt64), to cell: UnsafeMutableRawPointer) {
        let a = value(cell)
        let low = a.0.addingReportingOverflow(b.0)
        let middle = a.1.addingReportingOverflow(b.1)
        let carried = middle.partialValue.addingReportingOverflow(low.overflow ? 1 : 0)
        let carry: UInt64 = middle.overflow || carried.overflow ? 1 : 0
        store((low.partialValue, carried.partialValue, a.2 &+ b.2 &+ carry), cell)
    }

    @inline(__always)
    private static func store(_ words: (UInt64, UInt64, UInt64), _ cell: UnsafeMutableRawPointer) {
        cell.storeBytes(of: words.0, as: UInt64.self)
        cell.storeBytes(of: words.1, toByteOffset: 8, as: UInt64.self)
        cell.storeBytes(of: words.2, toByteOffset: 16, as: UInt64.self)
    }

    /// The double nearest to the population's standard deviation, `sqrt(n · Σx² − (Σx)²) / (n · unit)`; nil when there are no values.
    static func deviation(count: UInt64, sum: Int128, squares: (UInt64, UInt64, UInt64), unit: Int128) -> Double? {
        guard count > 0 else { return nil }
        // n · Σx² and (Σx)² in 256 bits.
        var (high, low) = UInt128(count).multipliedFullWidth(by: UInt128(squares.1) << 64 | UInt128(squares.0))
        high &+= UInt128(count) &* UInt128(squares.2)
        let square = sum.magnitude.multipliedFullWidth(by: sum.magnitude)
        guard (high, low) > (square.high, square.low) else { return 0 }  // Never less but in a damaged row.
        let borrow = low.subtractingReportingOverflow(square.low)
        (high, low) = (high &- square.high &- (borrow.overflow ? 1 : 0), borrow.partialValue)
        let divisor = UInt128(count) &* unit.magnitude
        return nearestRoot(high, low, over: divisor.multipliedFullWidth(by: divisor))
    }

    /// The double nearest to the square root of a quotient of 256-bit numbers, ties to even. Long division to at least 110 bits, then
    /// an integer root of at least 55; its last bit says whether anything was cut.
    private static func nearestRoot(_ high: UInt128, _ low: UInt128, over d: (high: UInt128, low: UInt128)) -> Double {
        var quotient: UInt128 = 0
        var rest: (high: UInt128, low: UInt128) = (0, 0)
        var exponent = 0
        func step(_ bit: UInt128) {
            rest = (rest.high << 1 | rest.low >> 127, rest.low << 1 | bit)
            quotient <<= 1
            guard (rest.high, rest.low) >= (d.high, d.low) else { return }
            let borrow = rest.low.subtractingReportingOverflow(d.low)
            rest = (rest.high &- d.high &- (borrow.overflow ? 1 : 0), borrow.partialValue)
            quotient |= 1
        }
        let length = high > 0 ? 256 - high.leadingZeroBitCount : 128 - low.leadingZeroBitCount
        for at in stride(from: length - 1, through: 0, by: -1) { step(at >= 128 ? high >> (at - 128) & 1 : low >> at & 1) }
        while quotient < UInt128(1) << 110, exponent < 600 {
            step(0)
            step(0)
            exponent += 1
        }
        var root: UInt128 = 0
        for at in stride(from: 63, through: 0, by: -1) {
            let next = root | UInt128(1) << at
            if next * next <= quotient { root = next }
        }
        var word = UInt64(root)
        if root * root != quotient || rest != (0, 0) { word |= 1 }
        return Double(word) * Double(sign: .plus, exponent: -exponent, significand: 1)
    }
}
