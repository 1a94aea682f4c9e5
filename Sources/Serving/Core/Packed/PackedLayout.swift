/// Where the parts of a packed answer, version 2, lie. All of it follows from the header, so a reader computes it too:
///
///     0   "MRP2"
///     4   bytes of an element UInt8, 5 UInt8: 0 floating point, 1 signed integers, 6 UInt8: 1 when there are levels, 7 a byte 0
///     8   schema UInt64
///     16  rows UInt32, 20 dense columns UInt32
///     24  as_of Int64 µs
///     32  freshness Int64 µs; -1: not known
///     40  features UInt32, 44 sparse columns UInt32
///     48  values of the sparse matrix UInt64
///     56  8 bytes 0
///     64  rows × dense columns elements, row by row
///         only with sparse columns, from the next multiple of 8 on: row starts (rows + 1) × Int64; elements; their columns Int32
///         rows × features UInt8: status
///         rows UInt8: whether the entity was found
///         only with levels: rows × features UInt8
struct PackedLayout {
    static let headerBytes = 64

    let sparseAt: Int
    let sparseElementsAt: Int
    let sparseColumnsAt: Int
    let statusAt: Int
    let foundAt: Int
    let levelsAt: Int
    let byteCount: Int

    init(rows: Int, dense: Int, features: Int, sparseValues: Int?, elementBytes: Int, hasLevels: Bool) {
        var at = Self.headerBytes + rows * dense * elementBytes
        func take(_ count: Int) -> Int {
            defer { at += count }
            return at
        }
        if let sparseValues {
            at = (at + 7) & ~7
            sparseAt = take((rows + 1) * 8)
            sparseElementsAt = take(sparseValues * elementBytes)
            sparseColumnsAt = take(sparseValues * 4)
        } else {
            (sparseAt, sparseElementsAt, sparseColumnsAt) = (at, at, at)
        }
        statusAt = take(rows * features)
        foundAt = take(rows)
        levelsAt = take(hasLevels ? rows * features : 0)
        byteCount = at
    }
}
