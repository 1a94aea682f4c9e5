/// The smallest or the largest value: Int64, `TileColumn.none` when there is none.
enum ExtremeCell {
    static let byteCount = 8

    @inline(__always)
    static func create(_ cell: UnsafeMutableRawPointer) { cell.storeBytes(of: TileColumn.none, as: Int64.self) }

    @inline(__always)
    static func addMin(_ word: Int64, to cell: UnsafeMutableRawPointer) {
        let old = value(cell)
        if word != TileColumn.none, old == TileColumn.none || word < old { cell.storeBytes(of: word, as: Int64.self) }
    }

    @inline(__always)
    static func addMax(_ word: Int64, to cell: UnsafeMutableRawPointer) {
        if word > value(cell) { cell.storeBytes(of: word, as: Int64.self) }  // `none` is the smallest Int64
    }

    @inline(__always)
    static func value(_ cell: UnsafeRawPointer) -> Int64 { cell.loadUnaligned(as: Int64.self) }
}
