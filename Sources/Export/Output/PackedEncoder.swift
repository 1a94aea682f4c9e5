internal import FeatureStore

/// Rows for packed arrays:
///
///     key (length UInt32, bytes), time Int64, found UInt8, passed columns (length UInt32, bytes), per feature: status UInt8,
///     the dense columns Float64, with sparse columns: count UInt32 and so many (column Int32, Float64),
///     per feature without columns: value; per label: value
///
/// Columns are those of packed answers, by the same code. A value is a Float64 (NaN: null), a text (UInt8 1 and length UInt32, bytes; UInt8 0: null), or of lists and maps a count UInt32 (0: null,
/// too) and so many texts or Float64, or texts each with its Float64; rankings have a second Float64, the share, behind the count.
final class PackedEncoder: RowEncoder {
    private let layout: OutputLayout
    private let hasColumns: [Bool]
    private var dense: [Double]
    private var sparse: [SparseEntry<Double>] = []

    init(_ layout: OutputLayout) {
        self.layout = layout
        hasColumns = layout.hasColumns
        dense = Array(repeating: 0, count: layout.columns.dense)
    }

    func encode(_ row: OutputRow, into record: inout RecordWriter) {
        record.appendCounted(row.key)
        record.append(row.time)
        record.append(UInt8(row.found ? 1 : 0))
        record.appendCounted(row.cells)
        for feature in row.values { record.append(feature.status.rawValue) }
        layout.columns.encode(row.values, as: Double.self) { dense[$0] = $1 }
        for number in dense { record.append(number) }
        if layout.columns.sparse > 0 {
            sparse.removeAll(keepingCapacity: true)
            layout.columns.encodeSparse(row.values, into: &sparse)
            record.append(UInt32(sparse.count))
            for entry in sparse {
                record.append(entry.column)
                record.append(entry.number)
            }
        }
        for (i, feature) in row.values.enumerated() where !hasColumns[i] { value(feature.value, layout.features[i].type, &record) }
        for (i, label) in row.labels.enumerated() { value(label, layout.labels[i].type, &record) }
    }

    private func value(_ value: Value, _ type: ValueType, _ record: inout RecordWriter) {
        switch type {
        case .bool, .int, .double, .decimal: record.append(value.nearestDouble ?? .nan)
        case .string:
            guard case .string(let text) = value else { return record.append(UInt8(0)) }
            record.append(UInt8(1))
            record.appendCounted(text)
        case .list(let element):
            guard case .list(let values) = value else { return record.append(UInt32(0)) }
            record.append(UInt32(values.count))
            for one in values {
                if case .string = element, case .string(let text) = one {
                    record.appendCounted(text)
                } else {
                    record.append(one.nearestDouble ?? .nan)
                }
            }
        case .ranking:
            guard case .list(let entries) = value else { return record.append(UInt32(0)) }
            record.append(UInt32(entries.count))
            for entry in entries {
                let ranked = RankedEntry(entry)
                record.appendCounted(ranked.value)
                record.append(Double(ranked.count))
                record.append(ranked.share)
            }
        case .map:
            guard case .map(let entries) = value else { return record.append(UInt32(0)) }
            record.append(UInt32(entries.count))
            for entry in entries {
                record.appendCounted(entry.key)
                record.append(entry.value.nearestDouble ?? .nan)
            }
        }
    }
}
