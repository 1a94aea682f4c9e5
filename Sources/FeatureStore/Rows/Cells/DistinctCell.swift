/// The distinct values of a tile: flag UInt8, then their hashes UInt64, ascending.
///
/// Up to `capacity` values the count is exact. Beyond, the flag is set and the `capacity` smallest hashes stay (K minimum values,
/// Bar-Yossef et al. 2002; the estimator `(k − 1) / u` is unbiased with standard error `1 / sqrt(k − 2)`, 3.1 % here): still a function
/// of the set, still mergeable.
package enum DistinctCell {
    package static let capacity = 1024
    static let emptyBytes = 1

    static func add(_ hash: UInt64, to cell: inout VariableCell, in tiles: inout GrowableBytes) {
        let count = (cell.payloadBytes(in: tiles) - 1) / 8
        let first = cell.payload + 1
        var low = 0, high = count
        while low < high {
            let middle = (low + high) / 2
            if tiles.load(at: first + middle * 8, as: UInt64.self) < hash { low = middle + 1 } else { high = middle }
        }
        if low < count, tiles.load(at: first + low * 8, as: UInt64.self) == hash { return }
        if count == capacity {
            tiles.store(UInt8(1), at: cell.payload)
            guard low < count else { return }
            cell.remove(8, at: first + (count - 1) * 8, in: &tiles)
        }
        cell.insert(8, at: first + low * 8, in: &tiles)
        tiles.store(hash, at: first + low * 8)
    }

    static func merge(_ payload: UnsafeRawBufferPointer, into cell: inout VariableCell, in tiles: inout GrowableBytes) {
        guard payload.count > 0 else { return }
        if payload[0] != 0 { tiles.store(UInt8(1), at: cell.payload) }
        var at = 1
        while at + 8 <= payload.count {
            add(payload.loadUnaligned(fromByteOffset: at, as: UInt64.self), to: &cell, in: &tiles)
            at += 8
        }
    }

    static func isWellFormed(_ payload: UnsafeRawBufferPointer) -> Bool { payload.count % 8 == 1 && payload.count <= 1 + 8 * capacity }

    static func value(_ payload: UnsafeRawBufferPointer) -> Value {
        let unique = (payload.count - 1) / 8
        guard payload[0] != 0, unique == capacity else { return .int(Int64(unique)) }
        let u = Double(payload.loadUnaligned(fromByteOffset: payload.count - 8, as: UInt64.self)) / 0x1p64
        return .int(Int64(exactly: (Double(capacity - 1) / u).rounded()) ?? .max)  // Only damaged hashes lie that close together.
    }
}
