/// The partial aggregate of one column of variable size over the tiles read so far: a tile of that one cell, into which theirs are merged.
final class VariableAccumulator {
    let column: TileColumn
    private var tile = GrowableBytes(capacity: 512)
    /// Start and byte count of the tile come first.
    private var cell = VariableCell(tile: 0, offset: 8)
    /// In place of the cell where nothing is put together, only chosen.
    private var chosen = UnsafeRawBufferPointer(start: nil, count: 0)

    init(_ column: TileColumn) {
        self.column = column
        let payload = column.emptyPayloadBytes
        tile.append(UInt32(0))
        tile.append(UInt32(4 + payload))
        tile.append(UInt32(payload))
        tile.extend(payload).initializeMemory(as: UInt8.self, repeating: 0, count: payload)
    }

    /// Adds the payload of a well-formed cell. The bytes must live until the value is finished.
    func add(_ payload: UnsafeRawBufferPointer) {
        if column.kind == .firstString {
            chosen = FirstStringCell.earlier(chosen, payload)
        } else {
            column.merge(payload, into: &cell, in: &tile)
        }
    }

    /// All cells together; valid until the next `add`.
    var payload: UnsafeRawBufferPointer { column.kind == .firstString ? chosen : cell.bytes(in: tile) }
}
