/// Vectors added up, element by element: nothing, or how many UInt64, then an exact Int128 for each element.
struct VectorSumCell {
    static let emptyBytes = 0
    private let dimension: Int

    init(_ column: TileColumn) { dimension = Int(column.parameter) }

    private var payloadBytes: Int { 8 + 16 * dimension }

    /// `vector` is an Int64 for each element; decoders see to the dimension.
    func add(_ vector: UnsafeRawBufferPointer, to cell: inout VariableCell, in tiles: inout GrowableBytes) {
        guard vector.count == 8 * dimension else { return }
        let own = open(&cell, &tiles)
        CountCell.add(to: own)
        for i in 0..<dimension { SumCell.add(vector.loadUnaligned(fromByteOffset: 8 * i, as: Int64.self), to: own + 8 + 16 * i) }
    }

    func merge(_ payload: UnsafeRawBufferPointer, into cell: inout VariableCell, in tiles: inout GrowableBytes) {
        guard let other = payload.baseAddress, payload.count == payloadBytes else { return }
        let own = open(&cell, &tiles)
        CountCell.merge(other, into: own)
        for i in 0..<dimension { SumCell.merge(other + 8 + 16 * i, into: own + 8 + 16 * i) }
    }

    /// The payload, with room for sums; zeros if it was empty.
    private func open(_ cell: inout VariableCell, _ tiles: inout GrowableBytes) -> UnsafeMutableRawPointer {
        if cell.payloadBytes(in: tiles) == 0 {
            cell.setPayloadBytes(payloadBytes, in: &tiles)
            (tiles.base + cell.payload).initializeMemory(as: UInt8.self, repeating: 0, count: payloadBytes)
        }
        return tiles.base + cell.payload
    }

    func isWellFormed(_ payload: UnsafeRawBufferPointer) -> Bool { payload.count == 0 || payload.count == payloadBytes }

    /// The double nearest to each element's mean; nil when there are no vectors.
    func mean(_ payload: UnsafeRawBufferPointer, unit: Int128) -> [Value]? {
        guard let base = payload.baseAddress, payload.count == payloadBytes else { return nil }
        let count = CountCell.value(base)
        guard count > 0 else { return nil }
        return (0..<dimension).map { .double(nearestDouble(SumCell.value(base + 8 + 16 * $0), over: Int128(count) * unit)) }
    }
}
