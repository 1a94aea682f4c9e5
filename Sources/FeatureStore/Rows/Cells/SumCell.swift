/// The exact sum: Int128. It cannot overflow: that would take 2^64 values of 63 bits.
enum SumCell {
    static let byteCount = 16

    @inline(__always)
    static func create(_ cell: UnsafeMutableRawPointer) { cell.storeBytes(of: 0, as: Int128.self) }

    @inline(__always)
    static func add(_ word: Int64, to cell: UnsafeMutableRawPointer) {
        cell.storeBytes(of: value(cell) &+ Int128(word), as: Int128.self)
    }

    @inline(__always)
    static func merge(_ other: UnsafeRawPointer, into cell: UnsafeMutableRawPointer) {
        cell.storeBytes(of: value(cell) &+ value(other), as: Int128.self)
    }

    @inline(__always)
    static func value(_ cell: UnsafeRawPointer) -> Int128 { cell.loadUnaligned(as: Int128.self) }
}
