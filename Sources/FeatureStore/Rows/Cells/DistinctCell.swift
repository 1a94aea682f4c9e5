/// The distinct values of a tile. Flag UInt8 = 0: the values' hashes UInt64, ascending, up to `exactLimit` of them. Flag 1: there were
/// more; `registers` of UInt8 follow.
///
/// HyperLogLog (Flajolet et al. 2007): the top 11 bits of a hash choose a register, which keeps the largest number of leading zeros plus one
/// that the other 53 bits had. Both forms, and which of them it is, follow from the set of hashes. Standard error 1.04 / sqrt(2048) = 2.3 %.
package enum DistinctCell {
    package static let exactLimit = 256
    static let emptyBytes = 1
    private static let registers = 2048
    private static let indexBits: UInt64 = 11
    private static let maxRank: UInt8 = 54

    static func add(_ hash: UInt64, to cell: inout VariableCell, in tiles: inout GrowableBytes) {
        if tiles.load(at: cell.payload, as: UInt8.self) != 0 {
            raise(hash, tiles.base + cell.payload + 1)
            return
        }
        let count = (cell.payloadBytes(in: tiles) - 1) / 8
        let first = cell.payload + 1
        var low = 0, high = count
        while low < high {
            let middle = (low + high) / 2
            if tiles.load(at: first + middle * 8, as: UInt64.self) < hash { low = middle + 1 } else { high = middle }
        }
        if low < count, tiles.load(at: first + low * 8, as: UInt64.self) == hash { return }
        if count == exactLimit {
            makeSketch(&cell, &tiles)
            raise(hash, tiles.base + cell.payload + 1)
            return
        }
        cell.insert(8, at: first + low * 8, in: &tiles)
        tiles.store(hash, at: first + low * 8)
    }

    static func merge(_ payload: UnsafeRawBufferPointer, into cell: inout VariableCell, in tiles: inout GrowableBytes) {
        guard payload[0] != 0 else {
            for at in stride(from: 1, to: payload.count, by: 8) {
                add(payload.loadUnaligned(fromByteOffset: at, as: UInt64.self), to: &cell, in: &tiles)
            }
            return
        }
        if tiles.load(at: cell.payload, as: UInt8.self) == 0 { makeSketch(&cell, &tiles) }
        let own = tiles.base + cell.payload + 1
        for i in 0..<registers where payload[1 + i] > own.load(fromByteOffset: i, as: UInt8.self) {
            own.storeBytes(of: payload[1 + i], toByteOffset: i, as: UInt8.self)
        }
    }

    private static func makeSketch(_ cell: inout VariableCell, _ tiles: inout GrowableBytes) {
        let hashBytes = cell.payloadBytes(in: tiles) - 1
        withUnsafeTemporaryAllocation(byteCount: Swift.max(1, hashBytes), alignment: 8) { hashes in
            hashes.copyMemory(from: UnsafeRawBufferPointer(start: tiles.base + cell.payload + 1, count: hashBytes))
            cell.setPayloadBytes(1 + registers, in: &tiles)
            tiles.store(UInt8(1), at: cell.payload)
            let own = tiles.base + cell.payload + 1
            own.initializeMemory(as: UInt8.self, repeating: 0, count: registers)
            for at in stride(from: 0, to: hashBytes, by: 8) { raise(hashes.load(fromByteOffset: at, as: UInt64.self), own) }
        }
    }

    @inline(__always)
    private static func raise(_ hash: UInt64, _ registers: UnsafeMutableRawPointer) {
        let index = Int(hash >> (64 - indexBits))
        let rank = UInt8(truncatingIfNeeded: Swift.min((hash << indexBits).leadingZeroBitCount, 64 - Int(indexBits)) + 1)
        if rank > registers.load(fromByteOffset: index, as: UInt8.self) {
            registers.storeBytes(of: rank, toByteOffset: index, as: UInt8.self)
        }
    }

    static func isWellFormed(_ payload: UnsafeRawBufferPointer) -> Bool {
        guard payload.count > 0 else { return false }
        if payload[0] == 0 { return payload.count % 8 == 1 && payload.count <= 1 + 8 * exactLimit }
        return payload[0] == 1 && payload.count == 1 + registers && payload.dropFirst().allSatisfy { $0 <= maxRank }
    }

    static func value(_ payload: UnsafeRawBufferPointer) -> Int64 {
        guard payload[0] != 0 else { return Int64((payload.count - 1) / 8) }
        var histogram = [Int](repeating: 0, count: Int(maxRank) + 1)
        for rank in payload.dropFirst() { histogram[Int(rank)] += 1 }
        return Int64(exactly: estimate(histogram).rounded()) ?? .max  // Only damaged registers say so many.
    }

    /// Ertl's improved estimator: "New cardinality estimation algorithms for HyperLogLog sketches" (2017), algorithm 6. `histogram[k]` is the number
    /// of registers that are `k`.
    private static func estimate(_ histogram: [Int]) -> Double {
        let m = Double(registers), last = Int(maxRank)
        var z = m * tau(1 - Double(histogram[last]) / m)
        for k in stride(from: last - 1, through: 1, by: -1) { z = 0.5 * (z + Double(histogram[k])) }
        z += m * sigma(Double(histogram[0]) / m)
        return m * m / (2 * 0.693_147_180_559_945_3) / z
    }

    private static func sigma(_ start: Double) -> Double {
        guard start < 1 else { return .infinity }
        var x = start, y = 1.0, z = start
        while true {
            x *= x
            let before = z
            z += x * y
            y += y
            if z == before { return z }
        }
    }

    private static func tau(_ start: Double) -> Double {
        guard start > 0, start < 1 else { return 0 }
        var x = start, y = 1.0, z = 1 - start
        while true {
            x = x.squareRoot()
            let before = z
            y *= 0.5
            z -= (1 - x) * (1 - x) * y
            if z == before { return z / 3 }
        }
    }
}
