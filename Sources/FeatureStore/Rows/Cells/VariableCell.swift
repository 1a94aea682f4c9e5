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

    /// Valid until the buffer changes.
    @inline(__always)
    func bytes(in tiles: borrowing GrowableBytes) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: tiles.base + payload, count: payloadBytes(in: tiles))
    }

    func insert(_ byteCount: Int, at position: Int, in tiles: inout GrowableBytes) {
        tiles.openGap(at: position, byteCount: byteCount)
        resize(by: byteCount, in: &tiles)
    }

    func remove(_ byteCount: Int, at position: Int, in tiles: inout GrowableBytes) {
        tiles.closeGap(at: position, byteCount: byteCount)
        resize(by: -byteCount, in: &tiles)
    }

    /// Makes the payload longer or shorter at its end; new bytes are not initialised.
    func setPayloadBytes(_ byteCount: Int, in tiles: inout GrowableBytes) {
        let old = payloadBytes(in: tiles)
        if byteCount > old { insert(byteCount - old, at: payload + old, in: &tiles) }
        if byteCount < old { remove(old - byteCount, at: payload + byteCount, in: &tiles) }
    }

    /// The source must not lie in the buffer.
    func replacePayload(with source: UnsafeRawBufferPointer, in tiles: inout GrowableBytes) {
        setPayloadBytes(source.count, in: &tiles)
        if let start = source.baseAddress { (tiles.base + payload).copyMemory(from: start, byteCount: source.count) }
    }

    private func resize(by delta: Int, in tiles: inout GrowableBytes) {
        tiles.store(UInt32(Int(tiles.load(at: offset, as: UInt32.self)) + delta), at: offset)
        tiles.store(UInt32(Int(tiles.load(at: tile + 4, as: UInt32.self)) + delta), at: tile + 4)
    }
}
