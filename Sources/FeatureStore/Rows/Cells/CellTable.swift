/// The table of cell kinds: what each does with a new tile, an event, another tile and damaged bytes. A new kind is a file of its own and a
/// row in each of these.
///
/// Switches and not protocols: an event costs no allocation and no call that the compiler cannot see through.

// MARK: Cells of fixed size

extension TileColumn.Kind {
    /// Nil for a kind of variable size.
    @inline(__always)
    package var fixedByteCount: Int? {
        switch self {
        case .count, .countNonNull: CountCell.byteCount
        case .sum: SumCell.byteCount
        case .min, .max: ExtremeCell.byteCount
        case .firstInteger: FirstCell.byteCount
        case .squares: SquaresCell.byteCount
        case .firstTime: ExtremeCell.byteCount
        case .firstString, .distinct, .countBy, .sumBy, .quantiles, .decayedCount, .decayedSum, .sessions, .days, .vectorSum: nil
        }
    }

    /// An empty cell.
    @inline(__always)
    func create(_ cell: UnsafeMutableRawPointer) {
        switch self {
        case .count, .countNonNull: CountCell.create(cell)
        case .sum: SumCell.create(cell)
        case .min, .max: ExtremeCell.create(cell)
        case .firstInteger: FirstCell.create(cell)
        case .squares: SquaresCell.create(cell)
        case .firstTime: ExtremeCell.create(cell)
        case .firstString, .distinct, .countBy, .sumBy, .quantiles, .decayedCount, .decayedSum, .sessions, .days, .vectorSum: break
        }
    }

    /// One event in which the column's field has the value `word`.
    @inline(__always)
    func add(time: Int64, id: UInt64, _ word: Int64, to cell: UnsafeMutableRawPointer) {
        switch self {
        case .count, .countNonNull: CountCell.add(to: cell)
        case .sum: SumCell.add(word, to: cell)
        case .min: ExtremeCell.addMin(word, to: cell)
        case .max: ExtremeCell.addMax(word, to: cell)
        case .firstInteger: FirstCell.add(time: time, id: id, word, to: cell)
        case .squares: SquaresCell.add(word, to: cell)
        case .firstTime: ExtremeCell.addMin(time, to: cell)
        case .firstString, .distinct, .countBy, .sumBy, .quantiles, .decayedCount, .decayedSum, .sessions, .days, .vectorSum: break
        }
    }

    /// All that another cell holds.
    @inline(__always)
    func merge(_ other: UnsafeRawPointer, into cell: UnsafeMutableRawPointer) {
        switch self {
        case .count, .countNonNull: CountCell.merge(other, into: cell)
        case .sum: SumCell.merge(other, into: cell)
        case .min: ExtremeCell.addMin(ExtremeCell.value(other), to: cell)
        case .max: ExtremeCell.addMax(ExtremeCell.value(other), to: cell)
        case .firstInteger: FirstCell.merge(other, into: cell)
        case .squares: SquaresCell.merge(other, into: cell)
        case .firstTime: ExtremeCell.addMin(ExtremeCell.value(other), to: cell)
        case .firstString, .distinct, .countBy, .sumBy, .quantiles, .decayedCount, .decayedSum, .sessions, .days, .vectorSum: break
        }
    }
}

// MARK: Cells of variable size

extension TileColumn {
    /// Bytes of the payload of an empty cell; all of them are 0.
    @inline(__always)
    var emptyPayloadBytes: Int {
        switch kind {
        case .firstString: FirstStringCell.emptyBytes
        case .distinct: DistinctCell.emptyBytes
        case .countBy, .sumBy: MapCell.emptyBytes
        case .quantiles: QuantileCell.emptyBytes
        case .decayedCount, .decayedSum: DecayCell.emptyBytes
        case .sessions: SessionCell.emptyBytes
        case .days: DayCell.emptyBytes
        case .vectorSum: VectorSumCell.emptyBytes
        case .count, .countNonNull, .sum, .min, .max, .firstInteger, .squares, .firstTime: 0
        }
    }

    /// One event. `fields` points at the stream's fields.
    func add(
        time: Int64, id: UInt64, fields: UnsafePointer<FieldValue>, to cell: inout VariableCell, in tiles: inout GrowableBytes
    ) {
        let value = field < 0 ? FieldValue.integer(1) : fields[Int(field)]
        if value.isNull { return }
        switch kind {
        case .firstString: FirstStringCell.add(time: time, id: id, value.bytes, to: &cell, in: &tiles)
        case .distinct: DistinctCell.add(value.hash, to: &cell, in: &tiles)
        case .countBy, .sumBy:
            let key = fields[Int(by)]
            if key.isNull { return }
            key.withKeyBytes { MapCell(self).add(Int128(value.word), key: $0, to: &cell, in: &tiles) }
        case .quantiles: QuantileCell(self).add(value.word, to: &cell, in: &tiles)
        case .decayedCount: DecayCell(self).add(1, time: time, to: &cell, in: &tiles)
        case .decayedSum: DecayCell(self).add(value.word, time: time, to: &cell, in: &tiles)
        case .sessions: SessionCell(self).add(time: time, to: &cell, in: &tiles)
        case .days: DayCell.add(time: time, to: &cell, in: &tiles)
        case .vectorSum: VectorSumCell(self).add(value.bytes, to: &cell, in: &tiles)
        case .count, .countNonNull, .sum, .min, .max, .firstInteger, .squares, .firstTime: break
        }
    }

    /// All that another cell holds. The payload does not lie in `tiles`.
    func merge(_ payload: UnsafeRawBufferPointer, into cell: inout VariableCell, in tiles: inout GrowableBytes) {
        switch kind {
        case .firstString: FirstStringCell.merge(payload, into: &cell, in: &tiles)
        case .distinct: DistinctCell.merge(payload, into: &cell, in: &tiles)
        case .countBy, .sumBy: MapCell(self).merge(payload, into: &cell, in: &tiles)
        case .quantiles: QuantileCell(self).merge(payload, into: &cell, in: &tiles)
        case .decayedCount, .decayedSum: DecayCell(self).merge(payload, into: &cell, in: &tiles)
        case .sessions: SessionCell(self).merge(payload, into: &cell, in: &tiles)
        case .days: DayCell.merge(payload, into: &cell, in: &tiles)
        case .vectorSum: VectorSumCell(self).merge(payload, into: &cell, in: &tiles)
        case .count, .countNonNull, .sum, .min, .max, .firstInteger, .squares, .firstTime: break
        }
    }

    /// Whether all else may read the payload without checks.
    func isWellFormed(_ payload: UnsafeRawBufferPointer) -> Bool {
        switch kind {
        case .firstString: FirstStringCell.isWellFormed(payload)
        case .distinct: DistinctCell.isWellFormed(payload)
        case .countBy, .sumBy: MapCell(self).isWellFormed(payload)
        case .quantiles: QuantileCell(self).isWellFormed(payload)
        case .decayedCount, .decayedSum: DecayCell.isWellFormed(payload)
        case .sessions: SessionCell.isWellFormed(payload)
        case .days: DayCell.isWellFormed(payload)
        case .vectorSum: VectorSumCell(self).isWellFormed(payload)
        case .count, .countNonNull, .sum, .min, .max, .firstInteger, .squares, .firstTime: true
        }
    }

    /// Bytes of the payload in a tile of `values` different values, for estimates.
    func typicalPayloadBytes(values: Int, stringBytes: Int) -> Int {
        switch kind {
        case .firstString: 16 + stringBytes
        case .distinct: 1 + values * 8
        case .countBy: 1 + values * (2 + stringBytes + 8)
        case .sumBy: 1 + values * (2 + stringBytes + 16)
        case .quantiles: values * 3
        case .decayedCount, .decayedSum: 20
        case .sessions: 13
        case .days: 4
        case .vectorSum: 8 + 16 * Int(parameter)
        case .count, .countNonNull, .sum, .min, .max, .firstInteger, .squares, .firstTime: 0
        }
    }
}
