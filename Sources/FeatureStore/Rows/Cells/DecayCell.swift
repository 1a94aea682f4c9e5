/// Weights that halve every half-life, or such weights times values, added up. Per block of time that has events, ascending: block UInt32,
/// sum Int128.
///
/// Blocks are aligned spans of four half-lives, `[b · 4H, (b + 1) · 4H)`. Within one, an event at `x` counts
/// `value · round(2^((x − start of the block) / H) · 2^32)`: whole numbers that do not depend on the time asked for, so their sum
/// has no order. A weight is off by at most 2^-33 of itself. A cell keeps the newest block that it has and the 15 before it: what is older
/// than that has decayed below 2^-60 of its value when the newest event comes. A sum holds 2^28 events of the largest value there is.
struct DecayCell {
    static let emptyBytes = 0
    private static let entryBytes = 20
    private static let blockHalfLives: Int64 = 4
    private static let maxBlocks: UInt32 = 16
    private static let fractionBits = 32
    private let halfLife: Int64

    init(_ column: TileColumn) { halfLife = column.parameter }

    func add(_ word: Int64, time: Int64, to cell: inout VariableCell, in tiles: inout GrowableBytes) {
        let span = halfLife * Self.blockHalfLives
        let age = time % span
        let weight = Self.exp2(Double(age % halfLife) / Double(halfLife)) * Double(UInt64(1) << (UInt64(Self.fractionBits) + UInt64(age / halfLife)))
        add(UInt32(truncatingIfNeeded: time / span), Int128(word) * Int128(Int64(weight.rounded())), &cell, &tiles)
    }

    private func add(_ block: UInt32, _ amount: Int128, _ cell: inout VariableCell, _ tiles: inout GrowableBytes) {
        var at = cell.end(in: tiles)
        if at > cell.payload {
            let newest = tiles.load(at: at - Self.entryBytes, as: UInt32.self)
            if block < newest, newest - block >= Self.maxBlocks { return }
        }
        while at > cell.payload {
            let before = tiles.load(at: at - Self.entryBytes, as: UInt32.self)
            if before == block {
                tiles.store(tiles.load(at: at - 16, as: Int128.self) &+ amount, at: at - 16)
                return
            }
            if before < block { break }
            at -= Self.entryBytes
        }
        cell.insert(Self.entryBytes, at: at, in: &tiles)
        tiles.store(block, at: at)
        tiles.store(amount, at: at + 4)
        let newest = tiles.load(at: cell.end(in: tiles) - Self.entryBytes, as: UInt32.self)
        while newest - tiles.load(at: cell.payload, as: UInt32.self) >= Self.maxBlocks {
            cell.remove(Self.entryBytes, at: cell.payload, in: &tiles)
        }
    }

    func merge(_ payload: UnsafeRawBufferPointer, into cell: inout VariableCell, in tiles: inout GrowableBytes) {
        for at in stride(from: 0, to: payload.count, by: Self.entryBytes) {
            add(
                payload.loadUnaligned(fromByteOffset: at, as: UInt32.self),
                payload.loadUnaligned(fromByteOffset: at + 4, as: Int128.self), &cell, &tiles)
        }
    }

    static func isWellFormed(_ payload: UnsafeRawBufferPointer) -> Bool {
        guard payload.count % entryBytes == 0, payload.count <= Int(maxBlocks) * entryBytes else { return false }
        for at in stride(from: entryBytes, to: payload.count, by: entryBytes) {
            let block = payload.loadUnaligned(fromByteOffset: at, as: UInt32.self)
            guard payload.loadUnaligned(fromByteOffset: at - entryBytes, as: UInt32.self) < block else { return false }
        }
        return true
    }

    /// What is left at `time`, newest block first; nil when that is no finite number (only before the newest event).
    func value(_ payload: UnsafeRawBufferPointer, at time: Int64, unit: Int128) -> Double? {
        var total = 0.0
        for at in stride(from: payload.count - Self.entryBytes, through: 0, by: -Self.entryBytes) {
            let block = payload.loadUnaligned(fromByteOffset: at, as: UInt32.self)
            let sum = payload.loadUnaligned(fromByteOffset: at + 4, as: Int128.self)
            let start = Int64(block).multipliedReportingOverflow(by: halfLife * Self.blockHalfLives)
            // A block beyond all times is a damaged one's.
            guard !start.overflow, start.partialValue <= Store.validTimes.upperBound else { return nil }
            let distance = start.partialValue - time
            let whole = floorDown(distance, halfLife) / halfLife
            let fraction = Double(distance - whole * halfLife) / Double(halfLife)
            let exponent = Int(Swift.max(-1400, Swift.min(1400, whole - Int64(Self.fractionBits))))
            total += nearestDouble(sum, over: unit) * Self.exp2(fraction) * Double(sign: .plus, exponent: exponent, significand: 1)
        }
        return total.isFinite ? total : nil
    }

    /// `2^x` for `x` in 0...1 by its Taylor series: nothing but what IEEE 754 rounds exactly, so that every machine gets the same bits. To 2^-51.
    static func exp2(_ x: Double) -> Double {
        let y = x * 0.693_147_180_559_945_3
        var result = 1.0
        for n in stride(from: 20.0, through: 1, by: -1) { result = 1 + result * y / n }
        return result
    }
}
