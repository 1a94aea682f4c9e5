/// A cell whose payload grows: where it is in the buffer of tiles, and how to resize it so that its tile stays consistent.
struct VariableCell {
    /// Offset of the tile that holds the cell.
    let tile: Int
    /// Offset of the cell's byte count.
    let offset: Int

    @inline(__always)
    func payloadBytes(in tiles: borrowing GrowableBytes) -> Int { Int(tiles.load(at: offset, as: UInt32.self)) }

    var payload: Int { offset + 4 }

    @inline(__always)
    func end(in tiles: borrowing GrowableBytes) -> Int { payload + payloadBytes(in: tiles) }

    func insert(_ byteCount: Int, at position: Int, in tiles: inout GrowableBytes) {
        tiles.openGap(at: position, byteCount: byteCount)
        resize(by: byteCount, in: &tiles)
    }

    func remove(_ byteCount: Int, at position: Int, in tiles: inout GrowableBytes) {
        tiles.closeGap(at: position, byteCount: byteCount)
        resize(by: -byteCount, in: &tiles)
    }

    private func resize(by delta: Int, in tiles: inout GrowableBytes) {
        tiles.store(UInt32(Int(tiles.load(at: offset, as: UInt32.self)) + delta), at: offset)
        tiles.store(UInt32(Int(tiles.load(at: tile + 4, as: UInt32.self)) + delta), at: tile + 4)
    }
}

/// The earliest string of a tile: nothing, or time Int64, id UInt64, bytes.
enum FirstStringCell {
    static func add(
        time: Int64, id: UInt64, _ value: UnsafeRawBufferPointer, to cell: inout VariableCell, in tiles: inout GrowableBytes
    ) {
        let old = cell.payloadBytes(in: tiles)
        if old > 0 {
            let oldTime = tiles.load(at: cell.payload, as: Int64.self)
            guard (time, id) < (oldTime, tiles.load(at: cell.payload + 8, as: UInt64.self)) else { return }
            cell.remove(old, at: cell.payload, in: &tiles)
        }
        cell.insert(16 + value.count, at: cell.payload, in: &tiles)
        tiles.store(time, at: cell.payload)
        tiles.store(id, at: cell.payload + 8)
        if let start = value.baseAddress { (tiles.base + cell.payload + 16).copyMemory(from: start, byteCount: value.count) }
    }

    static func merge(_ payload: UnsafeRawBufferPointer, into cell: inout VariableCell, in tiles: inout GrowableBytes) {
        guard payload.count >= 16 else { return }
        add(
            time: payload.loadUnaligned(as: Int64.self), id: payload.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
            UnsafeRawBufferPointer(rebasing: payload[16...]), to: &cell, in: &tiles)
    }
}

/// The distinct values of a tile: flag UInt8, then their hashes UInt64, ascending.
///
/// Up to `capacity` values the count is exact. Beyond, the flag is set and the `capacity` smallest hashes stay (K minimum values,
/// Bar-Yossef et al. 2002; the estimator `(k − 1) / u` is unbiased with standard error `1 / sqrt(k − 2)`, 3.1 % here): still a function
/// of the set, still mergeable.
package enum DistinctCell {
    package static let capacity = 1024

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
}
