/// The cells of one tile, inside a buffer of tiles. All tiles of a view have the same columns:
///
///     start UInt32 s [, variable bytes UInt32]   fixed cells   per variable cell: byte count UInt32, payload
///
/// Adding an event and merging a tile are both commutative and associative, and every cell is a function of the set of what was
/// added. A sum cannot overflow: it would take 2^64 values of 63 bits.
struct TileCells {
    let plan: ViewPlan

    @inline(__always)
    func byteCount(of tiles: borrowing GrowableBytes, at tile: Int) -> Int {
        plan.variableColumns.isEmpty
            ? 4 + plan.fixedBytes : 8 + plan.fixedBytes + Int(tiles.load(at: tile + 4, as: UInt32.self))
    }

    /// Opens an empty tile at `offset`.
    func create(start: UInt32, at offset: Int, in tiles: inout GrowableBytes) {
        let variable = plan.variableColumns.reduce(0) { $0 + 4 + Self.emptyPayloadBytes($1.kind) }
        tiles.openGap(at: offset, byteCount: plan.headerBytes + plan.fixedBytes + variable)
        tiles.store(start, at: offset)
        if !plan.variableColumns.isEmpty { tiles.store(UInt32(variable), at: offset + 4) }
        var at = offset + plan.headerBytes
        for column in plan.fixedColumns {
            switch column.kind {
            case .count, .countNonNull: tiles.store(UInt64(0), at: at)
            case .sum: tiles.store(Int128(0), at: at)
            case .min, .max: tiles.store(TileColumn.none, at: at)
            default:
                tiles.store(TileColumn.none, at: at)
                tiles.store(UInt64(0), at: at + 8)
                tiles.store(Int64(0), at: at + 16)
            }
            at += column.fixedByteCount!
        }
        for column in plan.variableColumns {
            let payload = Self.emptyPayloadBytes(column.kind)
            tiles.store(UInt32(payload), at: at)
            if payload == 1 { tiles.store(UInt8(0), at: at + 4) }
            at += 4 + payload
        }
    }

    private static func emptyPayloadBytes(_ kind: TileColumn.Kind) -> Int { kind == .firstString ? 0 : 1 }

    /// Adds one event. `fields` points at the stream's fields.
    func add(
        time: Int64, id: UInt64, fields: UnsafePointer<FieldValue>, toTileAt tile: Int, in tiles: inout GrowableBytes
    ) {
        let cells = tile + plan.headerBytes
        for column in plan.fixedColumns {
            let at = cells + Int(column.position)
            if column.kind == .count {
                tiles.store(tiles.load(at: at, as: UInt64.self) &+ 1, at: at)
                continue
            }
            let value = fields[Int(column.field)]
            if value.isNull { continue }
            switch column.kind {
            case .countNonNull: tiles.store(tiles.load(at: at, as: UInt64.self) &+ 1, at: at)
            case .sum: tiles.store(tiles.load(at: at, as: Int128.self) &+ Int128(value.word), at: at)
            case .min: mergeMin(value.word, at, &tiles)
            case .max: mergeMax(value.word, at, &tiles)
            default: mergeFirst(time, id, value.word, at, &tiles)
            }
        }
        guard !plan.variableColumns.isEmpty else { return }
        var at = cells + plan.fixedBytes
        for column in plan.variableColumns {
            var cell = VariableCell(tile: tile, offset: at)
            switch column.kind {
            case .distinct:
                let value = fields[Int(column.field)]
                if !value.isNull { DistinctCell.add(value.hash, to: &cell, in: &tiles) }
            case .firstString:
                let value = fields[Int(column.field)]
                if !value.isNull { FirstStringCell.add(time: time, id: id, value.bytes, to: &cell, in: &tiles) }
            default:
                let key = fields[Int(column.by)]
                let summand = column.kind == .sumBy ? fields[Int(column.field)] : .integer(1)
                if !key.isNull, !summand.isNull {
                    key.withKeyBytes { bytes in
                        MapCell(column).add(Int128(summand.word), key: bytes, to: &cell, in: &tiles)
                    }
                }
            }
            at = cell.end(in: tiles)
        }
    }

    /// Adds all that the tile at `source` of another buffer holds.
    func merge(_ source: UnsafeRawPointer, intoTileAt tile: Int, in tiles: inout GrowableBytes) {
        let cells = tile + plan.headerBytes
        let from = source + plan.headerBytes
        for column in plan.fixedColumns {
            let at = cells + Int(column.position)
            let other = from + Int(column.position)
            switch column.kind {
            case .count, .countNonNull:
                tiles.store(tiles.load(at: at, as: UInt64.self) &+ other.loadUnaligned(as: UInt64.self), at: at)
            case .sum: tiles.store(tiles.load(at: at, as: Int128.self) &+ other.loadUnaligned(as: Int128.self), at: at)
            case .min: mergeMin(other.loadUnaligned(as: Int64.self), at, &tiles)
            case .max: mergeMax(other.loadUnaligned(as: Int64.self), at, &tiles)
            default:
                mergeFirst(
                    other.loadUnaligned(as: Int64.self), other.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                    other.loadUnaligned(fromByteOffset: 16, as: Int64.self), at, &tiles)
            }
        }
        var at = cells + plan.fixedBytes
        var other = from + plan.fixedBytes
        for column in plan.variableColumns {
            let payload = UnsafeRawBufferPointer(start: other + 4, count: Int(other.loadUnaligned(as: UInt32.self)))
            var cell = VariableCell(tile: tile, offset: at)
            switch column.kind {
            case .distinct: DistinctCell.merge(payload, into: &cell, in: &tiles)
            case .firstString: FirstStringCell.merge(payload, into: &cell, in: &tiles)
            default: MapCell(column).merge(payload, into: &cell, in: &tiles)
            }
            at = cell.end(in: tiles)
            other += 4 + payload.count
        }
    }

    @inline(__always)
    private func mergeMin(_ value: Int64, _ at: Int, _ tiles: inout GrowableBytes) {
        let old = tiles.load(at: at, as: Int64.self)
        if value != TileColumn.none, old == TileColumn.none || value < old { tiles.store(value, at: at) }
    }

    @inline(__always)
    private func mergeMax(_ value: Int64, _ at: Int, _ tiles: inout GrowableBytes) {
        if value > tiles.load(at: at, as: Int64.self) { tiles.store(value, at: at) }  // `none` is the smallest Int64
    }

    @inline(__always)
    private func mergeFirst(_ time: Int64, _ id: UInt64, _ value: Int64, _ at: Int, _ tiles: inout GrowableBytes) {
        guard time != TileColumn.none else { return }
        let oldTime = tiles.load(at: at, as: Int64.self)
        if oldTime == TileColumn.none || (time, id) < (oldTime, tiles.load(at: at + 8, as: UInt64.self)) {
            tiles.store(time, at: at)
            tiles.store(id, at: at + 8)
            tiles.store(value, at: at + 16)
        }
    }
}

extension FieldValue {
    /// What distinct counts tell apart: xxHash64 of the string's bytes or of the integer's eight.
    @inline(__always)
    var hash: UInt64 { kind == .string ? XXHash64.hash(bytes) : XXHash64.hash(word) }

    /// The key under which a map holds this value: the string's bytes, or the integer in decimal.
    @inline(__always)
    func withKeyBytes(_ body: (UnsafeRawBufferPointer) -> Void) {
        if kind == .string { return body(bytes) }
        withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { room in
            var at = 20
            var rest = word.magnitude
            repeat {
                at -= 1
                room[at] = UInt8(truncatingIfNeeded: 48 + rest % 10)
                rest /= 10
            } while rest > 0
            if word < 0 {
                at -= 1
                room[at] = 45
            }
            body(UnsafeRawBufferPointer(rebasing: room[at...]))
        }
    }
}
