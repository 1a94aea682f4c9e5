/// One value of a sparse row.
package struct SparseEntry<Number: PackedNumber>: BitwiseCopyable {
    package var column: Int32
    package var number: Number
}

extension VectorColumns {
    /// Calls `store` with the dense columns of one vector: each at least once, the last call counts. Allocates nothing but for words.
    package func encode<Number: PackedNumber>(
        _ values: borrowing [FeatureValue], as _: Number.Type, store: (_ column: Int, Number) -> Void
    ) {
        for cell in numbers { store(cell.column, Number(values[cell.feature].value)) }
        encodeWide(values, as: Number.self, store: store)
    }

    /// Those of features that are more than a number. Whoever writes many vectors takes `numbers` in a loop of its own.
    package func encodeWide<Number: PackedNumber>(
        _ values: borrowing [FeatureValue], as _: Number.Type, store: (_ column: Int, Number) -> Void
    ) {
        for part in wide { encode(part, values[part.feature].value, store) }
    }

    private func encode<Number: PackedNumber>(_ part: Part, _ value: Value, _ store: (Int, Number) -> Void) {
        if case .vector = part.kind {
            guard case .list(let elements) = value, elements.count == part.dimension else {
                for i in 0..<part.dimension { store(part.offset + i, .null) }
                return
            }
            for (i, element) in elements.enumerated() { store(part.offset + i, Number(element)) }
            return
        }
        for i in 0..<part.dimension { store(part.offset + i, .zero) }
        var others = Value.null
        part.forEachWord(of: value) { word, weight in
            if let at = part.words[word] {
                store(part.offset + at, Number(weight))
            } else {
                others = others.isNull ? weight : others.adding(weight)
            }
        }
        if part.hasOther, !others.isNull { store(part.offset + part.dimension - 1, part.isOneHot ? .one : Number(others)) }
    }

    /// Appends the sparse columns of one vector, in ascending order, each once; those of zero too when a map has them.
    package func encodeSparse<Number: PackedNumber>(_ values: borrowing [FeatureValue], into row: inout [SparseEntry<Number>]) {
        for part in parts where part.isSparse {
            var sums: [Int: Value] = [:]
            part.forEachWord(of: values[part.feature].value) { word, weight in
                guard let column = part.sparseColumn(of: word) else { return }
                sums[column] = sums[column]?.adding(weight) ?? weight
            }
            for (column, sum) in sums.sorted(by: { $0.key < $1.key }) {
                row.append(.init(column: Int32(part.offset + column), number: Number(sum)))
            }
        }
    }
}

extension VectorColumns.Part {
    var isOneHot: Bool { if case .encoded(.oneHot) = kind { true } else { false } }

    var hasOther: Bool {
        switch kind {
        case .encoded(.oneHot(_, let other)), .encoded(.vocabulary(_, let other, _)): other
        case .number, .vector, .encoded(.hashed): false
        }
    }

    fileprivate func sparseColumn(of word: String) -> Int? {
        if case .encoded(.hashed(let dimension)) = kind { return Int(XXHash64.hash(text: word) % UInt64(dimension)) }
        return words[word] ?? (hasOther ? dimension - 1 : nil)
    }

    /// The words of a value, each with what it counts: the entries of a map, the counts of a ranking, 1 for a text or an element of a list.
    fileprivate func forEachWord(of value: Value, _ body: (String, Value) -> Void) {
        switch value {
        case .string(let word): body(word, .int(1))
        case .int(let number): body(String(number), .int(1))
        case .map(let entries): for entry in entries { body(entry.key, entry.value) }
        case .list(let elements):
            for element in elements {
                switch element {
                case .string(let word): body(word, .int(1))
                case .int(let number): body(String(number), .int(1))
                // Of a ranking: count, share, value, in this order.
                case .map(let members) where members.count == 3:
                    if case .string(let word) = members[2].value { body(word, members[0].value) }
                default: break
                }
            }
        case .null, .bool, .decimal, .double: break
        }
    }
}
