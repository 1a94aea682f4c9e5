/// The earliest string: nothing, or time Int64, id UInt64, bytes.
enum FirstStringCell {
    static let emptyBytes = 0

    static func add(
        time: Int64, id: UInt64, _ value: UnsafeRawBufferPointer, to cell: inout VariableCell, in tiles: inout GrowableBytes
    ) {
        let old = cell.payloadBytes(in: tiles)
        if old > 0 {
            let oldTime = tiles.load(at: cell.payload, as: Int64.self)
            guard (time, id) < (oldTime, tiles.load(at: cell.payload + 8, as: UInt64.self)) else { return }
        }
        cell.setPayloadBytes(16 + value.count, in: &tiles)
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

    /// The one of two payloads that has the earlier string, for lookups, which need not copy it.
    static func earlier(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard a.count >= 16 else { return b }
        guard b.count >= 16 else { return a }
        func order(_ payload: UnsafeRawBufferPointer) -> (Int64, UInt64) {
            (payload.loadUnaligned(as: Int64.self), payload.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        return order(b) < order(a) ? b : a
    }

    static func isWellFormed(_ payload: UnsafeRawBufferPointer) -> Bool { payload.count == 0 || payload.count >= 16 }

    static func value(_ payload: UnsafeRawBufferPointer) -> Value {
        payload.count < 16 ? .null : .string(String(decoding: payload[16...], as: UTF8.self))
    }
}
