/// The cells of one tile, inside a buffer of tiles. All tiles of a view have the same columns:
///
///     start UInt32 s [, variable bytes UInt32]   fixed cells   per variable cell: byte count UInt32, payload
///
/// Adding an event and merging a tile are both commutative and associative, and every cell is a function of the set of what was
/// added. What each kind of cell does is in its own file; `CellTable.swift` lists them. Lookups merge tiles with the same code
/// (`FixedAccumulator`, `VariableAccumulator`), so a cell has one definition of "together".
struct TileCells {
    let plan: ViewPlan

    @inline(__always)
    func byteCount(of tiles: borrowing GrowableBytes, at tile: Int) -> Int {
        plan.variableColumns.isEmpty
            ? 4 + plan.fixedBytes : 8 + plan.fixedBytes + Int(tiles.load(at: tile + 4, as: UInt32.self))
    }

    /// Opens an empty tile at `offset`.
    func create(start: UInt32, at offset: Int, in tiles: inout GrowableBytes) {
        let variable = plan.variableColumns.reduce(0) { $0 + 4 + $1.emptyPayloadBytes }
        tiles.openGap(at: offset, byteCount: plan.headerBytes + plan.fixedBytes + variable)
        tiles.store(start, at: offset)
        if !plan.variableColumns.isEmpty { tiles.store(UInt32(variable), at: offset + 4) }
        var at = offset + plan.headerBytes
        for column in plan.fixedColumns {
            column.kind.create(tiles.base + at)
            at += column.kind.fixedByteCount!
        }
        for column in plan.variableColumns {
            let payload = column.emptyPayloadBytes
            tiles.store(UInt32(payload), at: at)
            (tiles.base + at + 4).initializeMemory(as: UInt8.self, repeating: 0, count: payload)
            at += 4 + payload
        }
    }

    /// Adds events, cell by cell.
    func add(_ events: UnsafeBufferPointer<Addition>, toTileAt tile: Int, in tiles: inout GrowableBytes) {
        let cells = tile + plan.headerBytes
        for column in plan.fixedColumns {
            let cell = tiles.base + cells + Int(column.position)
            for event in events {
                if column.field < 0 {
                    column.kind.add(time: event.time, id: event.id, 0, to: cell)
                    continue
                }
                let value = event.fields[Int(column.field)]
                if !value.isNull { column.kind.add(time: event.time, id: event.id, value.word, to: cell) }
            }
        }
        guard !plan.variableColumns.isEmpty else { return }
        var at = cells + plan.fixedBytes
        for column in plan.variableColumns {
            var cell = VariableCell(tile: tile, offset: at)
            for event in events { column.add(time: event.time, id: event.id, fields: event.fields, to: &cell, in: &tiles) }
            at = cell.end(in: tiles)
        }
    }

    /// Adds all that the tile at `source` of another buffer holds.
    func merge(_ source: UnsafeRawPointer, intoTileAt tile: Int, in tiles: inout GrowableBytes) {
        let cells = tile + plan.headerBytes
        let from = source + plan.headerBytes
        for column in plan.fixedColumns {
            column.kind.merge(from + Int(column.position), into: tiles.base + cells + Int(column.position))
        }
        var at = cells + plan.fixedBytes
        var other = from + plan.fixedBytes
        for column in plan.variableColumns {
            let payload = UnsafeRawBufferPointer(start: other + 4, count: Int(other.loadUnaligned(as: UInt32.self)))
            var cell = VariableCell(tile: tile, offset: at)
            column.merge(payload, into: &cell, in: &tiles)
            at = cell.end(in: tiles)
            other += 4 + payload.count
        }
    }
}

extension FieldValue {
    /// What distinct counts tell apart: xxHash64 of the string's bytes or of the integer's eight.
    @inline(__always)
    var hash: UInt64 { kind == .integer ? XXHash64.hash(word) : XXHash64.hash(bytes) }

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
