/// The earliest value that is no string: time Int64 (`TileColumn.none`: there is none), id UInt64, value Int64.
enum FirstCell {
    static let byteCount = 24

    @inline(__always)
    static func create(_ cell: UnsafeMutableRawPointer) {
        cell.storeBytes(of: TileColumn.none, as: Int64.self)
        cell.storeBytes(of: 0, toByteOffset: 8, as: UInt64.self)
        cell.storeBytes(of: TileColumn.none, toByteOffset: 16, as: Int64.self)
    }

    @inline(__always)
    static func add(time: Int64, id: UInt64, _ word: Int64, to cell: UnsafeMutableRawPointer) {
        guard time != TileColumn.none else { return }
        let oldTime = cell.loadUnaligned(as: Int64.self)
        guard oldTime == TileColumn.none || (time, id) < (oldTime, cell.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        else { return }
        cell.storeBytes(of: time, as: Int64.self)
        cell.storeBytes(of: id, toByteOffset: 8, as: UInt64.self)
        cell.storeBytes(of: word, toByteOffset: 16, as: Int64.self)
    }

    @inline(__always)
    static func merge(_ other: UnsafeRawPointer, into cell: UnsafeMutableRawPointer) {
        add(
            time: other.loadUnaligned(as: Int64.self), id: other.loadUnaligned(fromByteOffset: 8, as: UInt64.self), value(other),
            to: cell)
    }

    /// `TileColumn.none` when there is none.
    @inline(__always)
    static func value(_ cell: UnsafeRawPointer) -> Int64 { cell.loadUnaligned(fromByteOffset: 16, as: Int64.self) }
}
