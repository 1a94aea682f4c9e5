/// The partial aggregate of one column of fixed size over the tiles read so far. Trivial, so that a lookup keeps it on its stack.
struct FixedAccumulator {
    let kind: TileColumn.Kind
    /// Where the cell begins, from the end of the tile's header.
    let position: Int
    private(set) var sum: Int128 = 0
    private(set) var count: UInt64 = 0
    private(set) var integer = TileColumn.none
    private var time = TileColumn.none
    private var id: UInt64 = 0

    init(_ column: TileColumn) {
        kind = column.kind
        position = Int(column.position)
    }

    /// Adds the cell of a tile whose cells begin at `cells`.
    @inline(__always)
    mutating func add(_ cells: UnsafeRawPointer) {
        let cell = cells + position
        switch kind {
        case .count, .countNonNull: count &+= cell.loadUnaligned(as: UInt64.self)
        case .sum: sum &+= cell.loadUnaligned(as: Int128.self)
        case .min:
            let value = cell.loadUnaligned(as: Int64.self)
            if value != TileColumn.none, integer == TileColumn.none || value < integer { integer = value }
        case .max: integer = Swift.max(integer, cell.loadUnaligned(as: Int64.self))
        default:
            let newTime = cell.loadUnaligned(as: Int64.self)
            let newID = cell.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            guard newTime != TileColumn.none, time == TileColumn.none || (newTime, newID) < (time, id) else { return }
            time = newTime
            id = newID
            integer = cell.loadUnaligned(fromByteOffset: 16, as: Int64.self)
        }
    }
}

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
