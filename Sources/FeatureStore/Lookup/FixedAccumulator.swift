/// The partial aggregate of one column of fixed size over the tiles read so far: a cell, into which theirs are merged. Trivial, so that a
/// lookup keeps it on its stack.
struct FixedAccumulator {
    let kind: TileColumn.Kind
    /// Where the cell begins, from the end of the tile's header.
    private let position: Int
    /// Room for the largest cell.
    private var words: (UInt64, UInt64, UInt64) = (0, 0, 0)

    init(_ column: TileColumn) {
        kind = column.kind
        position = Int(column.position)
        withUnsafeMutableBytes(of: &words) { column.kind.create($0.baseAddress!) }
    }

    /// Adds the cell of a tile whose cells begin at `cells`.
    @inline(__always)
    mutating func add(_ cells: UnsafeRawPointer) {
        withUnsafeMutableBytes(of: &words) { kind.merge(cells + position, into: $0.baseAddress!) }
    }

    @inline(__always)
    private func read<R>(_ body: (UnsafeRawPointer) -> R) -> R { withUnsafeBytes(of: words) { body($0.baseAddress!) } }

    // What a cell of the kind says.
    var count: UInt64 { read(CountCell.value) }
    var sum: Int128 { read(SumCell.value) }
    var extreme: Int64 { read(ExtremeCell.value) }
    var first: Int64 { read(FirstCell.value) }
    var squares: (UInt64, UInt64, UInt64) { read(SquaresCell.value) }
}
