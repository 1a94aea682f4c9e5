internal import FeatureStore

extension LookupAnswer {
    /// The vectors as a model reads them: `PackedLayout` has the bytes, docs/API.md teaches them. Written straight to where they stay.
    ///
    /// - Throws: where features were named one by one and one of them has no columns, and where the elements are whole numbers and a
    ///   feature has fractions.
    public func packed(_ element: PackedElement) throws(LookupProblem) -> [UInt8] {
        let columns = plan.columns
        if plan.service == nil, let (name, type) = columns.others.first {
            throw LookupProblem(
                .badRequest, detail: "The feature \"\(name)\" is of type \(type); a packed answer holds numbers.",
                remedy: "Leave it out, ask for JSON, or declare a service that says how it is encoded.")
        }
        if element.isInteger, let part = columns.firstFraction {
            throw LookupProblem(
                .badRequest, detail: "The feature \"\(part.name)\" is of type \(part.type), which whole numbers cannot hold.",
                remedy: "Ask for element=float64 or element=float32.")
        }
        switch element {
        case .float64: return packed(element) { (number: Double, at) in at.storeBytes(of: number.bitPattern.littleEndian, as: UInt64.self) }
        case .float32: return packed(element) { (number: Double, at) in at.storeBytes(of: Float(number).bitPattern.littleEndian, as: UInt32.self) }
        case .int64: return packed(element) { (number: Int64, at) in at.storeBytes(of: number.littleEndian, as: Int64.self) }
        }
    }

    @inline(__always)
    private func packed<Number: PackedNumber>(_ element: PackedElement, _ store: (Number, UnsafeMutableRawPointer) -> Void) -> [UInt8] {
        let columns = plan.columns
        let rows = entries.count, elementBytes = element.byteCount
        let sparse: SparseRows<Number>? = columns.sparse > 0 ? SparseRows(entries, columns) : nil
        let layout = PackedLayout(
            rows: rows, dense: columns.dense, features: columns.parts.count, sparseValues: sparse?.entries.count,
            elementBytes: elementBytes, hasLevels: plan.fallback != nil)
        return [UInt8](unsafeUninitializedCapacity: layout.byteCount) { buffer, count in
            count = layout.byteCount
            guard let start = buffer.baseAddress.map({ UnsafeMutableRawPointer($0) }) else { return }
            header(element, sparse?.entries.count ?? 0, start)
            var row = start + PackedLayout.headerBytes
            for entry in entries {
                for cell in columns.numbers { store(Number(entry.vector.values[cell.feature].value), row + cell.column * elementBytes) }
                if columns.numbers.count < columns.dense {
                    columns.encodeWide(entry.vector.values, as: Number.self) { column, number in store(number, row + column * elementBytes) }
                }
                row += columns.dense * elementBytes
            }
            if let sparse {
                let end = row - start
                (start + end).initializeMemory(as: UInt8.self, repeating: 0, count: layout.sparseAt - end)
                for (i, rowStart) in sparse.starts.enumerated() {
                    start.storeBytes(of: Int64(rowStart).littleEndian, toByteOffset: layout.sparseAt + 8 * i, as: Int64.self)
                }
                for (i, entry) in sparse.entries.enumerated() {
                    store(entry.number, start + layout.sparseElementsAt + elementBytes * i)
                    start.storeBytes(of: entry.column.littleEndian, toByteOffset: layout.sparseColumnsAt + 4 * i, as: Int32.self)
                }
            }
            statuses(layout, start)
        }
    }

    private func header(_ element: PackedElement, _ sparseValues: Int, _ start: UnsafeMutableRawPointer) {
        let bytes = UnsafeMutableRawBufferPointer(start: start, count: PackedLayout.headerBytes)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
        bytes[..<4].copyBytes(from: "MRP2".utf8)
        bytes[4] = UInt8(element.byteCount)
        bytes[5] = element.isInteger ? 1 : 0
        bytes[6] = plan.fallback == nil ? 0 : 1
        bytes.storeBytes(of: plan.columns.fingerprint.littleEndian, toByteOffset: 8, as: UInt64.self)
        for (at, number) in [(16, entries.count), (20, plan.columns.dense), (40, plan.columns.parts.count), (44, plan.columns.sparse)] {
            bytes.storeBytes(of: UInt32(number).littleEndian, toByteOffset: at, as: UInt32.self)
        }
        bytes.storeBytes(of: asOf.littleEndian, toByteOffset: 24, as: Int64.self)
        bytes.storeBytes(of: (freshness ?? -1).littleEndian, toByteOffset: 32, as: Int64.self)
        bytes.storeBytes(of: UInt64(sparseValues).littleEndian, toByteOffset: 48, as: UInt64.self)
    }

    private func statuses(_ layout: PackedLayout, _ start: UnsafeMutableRawPointer) {
        var at = start + layout.statusAt
        for (row, entry) in entries.enumerated() {
            for feature in plan.columns.features {
                at.storeBytes(of: entry.vector.values[feature].status.rawValue, as: UInt8.self)
                at += 1
            }
            start.storeBytes(of: entry.vector.found ? 1 : 0, toByteOffset: layout.foundAt + row, as: UInt8.self)
        }
        guard plan.fallback != nil else { return }
        at = start + layout.levelsAt
        for entry in entries {
            for feature in plan.columns.features {
                at.storeBytes(of: entry.vector.levels[feature], as: UInt8.self)
                at += 1
            }
        }
    }
}

/// The sparse matrix of an answer, row by row.
private struct SparseRows<Number: PackedNumber> {
    /// Where each row begins in `entries`, and where the last one ends.
    private(set) var starts = [0]
    private(set) var entries: [SparseEntry<Number>] = []

    init(_ answers: [LookupAnswer.Entry], _ columns: VectorColumns) {
        starts.reserveCapacity(answers.count + 1)
        for answer in answers {
            columns.encodeSparse(answer.vector.values, into: &entries)
            starts.append(entries.count)
        }
    }
}
