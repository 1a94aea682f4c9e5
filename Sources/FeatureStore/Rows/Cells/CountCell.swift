/// How many events, or how many events have a value: UInt64.
enum CountCell {
    static let byteCount = 8

    @inline(__always)
    static func create(_ cell: UnsafeMutableRawPointer) { cell.storeBytes(of: 0, as: UInt64.self) }

    @inline(__always)
    static func add(to cell: UnsafeMutableRawPointer) { cell.storeBytes(of: value(cell) &+ 1, as: UInt64.self) }

    @inline(__always)
    static func merge(_ other: UnsafeRawPointer, into cell: UnsafeMutableRawPointer) {
        cell.storeBytes(of: value(cell) &+ value(other), as: UInt64.self)
    }

    @inline(__always)
    static func value(_ cell: UnsafeRawPointer) -> UInt64 { cell.loadUnaligned(as: UInt64.self) }
}
