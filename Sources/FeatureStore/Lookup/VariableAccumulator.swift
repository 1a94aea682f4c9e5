/// The partial aggregate of one column of variable size over the tiles read so far.
///
/// Most windows have one tile with something in the cell, or none: that cell is read in place. From the second on they are merged into a
/// tile of that one cell, which is the only memory that it takes.
struct VariableAccumulator: ~Copyable {
    let column: TileColumn
    /// All cells together while there is nothing to merge.
    private var only: UnsafeRawBufferPointer
    /// All cells together after that.
    private var tile: GrowableBytes?
    /// Start and byte count of the tile come first.
    private var cell = VariableCell(tile: 0, offset: 8)

    init(_ column: TileColumn) {
        self.column = column
        only = column.emptyPayload
    }

    /// Adds the payload of a well-formed cell. The bytes must live until the value is finished.
    mutating func add(_ payload: UnsafeRawBufferPointer) {
        if column.kind == .firstString {
            only = FirstStringCell.earlier(only, payload)
        } else if payload.count > column.emptyPayloadBytes {
            if only.count == column.emptyPayloadBytes { only = payload } else { merge(payload) }
        }
    }

    private mutating func merge(_ payload: UnsafeRawBufferPointer) {
        if tile == nil {
            var first = GrowableBytes(capacity: Swift.max(512, only.count * 2))
            first.append(UInt32(0))
            first.append(UInt32(4 + only.count))
            first.append(UInt32(only.count))
            first.append(only)
            tile = consume first
        }
        column.merge(payload, into: &cell, in: &tile!)
    }

    /// All cells together; valid until the next `add`.
    var payload: UnsafeRawBufferPointer {
        guard tile != nil else { return only }
        return cell.bytes(in: tile!)
    }
}

extension TileColumn {
    /// Of an empty cell.
    fileprivate var emptyPayload: UnsafeRawBufferPointer {
        let zero: StaticString = "\0"
        precondition(emptyPayloadBytes <= zero.utf8CodeUnitCount)
        return UnsafeRawBufferPointer(start: zero.utf8Start, count: emptyPayloadBytes)
    }
}
