internal import FeatureStore

/// Where the request list has the inputs of the features: a column of the same name each.
///
/// A column that is an input and a feature of the vector is written once, as the feature.
struct InputColumns: Sendable {
    /// Index of the input in `Definitions.inputs`, and of its column in the request list.
    private let columns: [(input: Int, definition: InputDefinition, column: Int)]
    private let inputCount: Int
    /// Columns of the list that go through to the output.
    let passed: [Int]

    init(_ plan: ExportPlan, _ names: [String]) throws(ExportError) {
        let inputs = plan.definitions.inputs
        inputCount = inputs.count
        var columns: [(input: Int, definition: InputDefinition, column: Int)] = []
        for (index, input) in inputs.enumerated() where plan.vector.inputs.contains(input) {
            guard let column = names.firstIndex(of: input.name) else {
                throw ExportError(
                    "the request list has no column `\(input.name)`",
                    remedy: "it is an input of the features: add the column, with empty cells where a request did not give it")
            }
            columns.append((index, input, column))
        }
        self.columns = columns
        let vector = plan.vector
        passed = names.indices.filter { column in
            !(vector.featureNames.contains(names[column]) && columns.contains { $0.column == column })
        }
    }

    /// The cells of a row as the spool keeps them: those that go through, then the inputs'.
    func spooled(_ cells: [[UInt8]?], row: Int) throws(ExportError) -> [[UInt8]?] {
        if columns.isEmpty { return cells }
        for (_, definition, column) in columns {
            guard let cell = cells[column] else { continue }
            if definition.value(ofText: String(decoding: cell, as: UTF8.self)) == nil {
                throw ExportError(
                    "row \(row + 1) of the request list: `\(String(decoding: cell.prefix(64), as: UTF8.self))` in the column `\(definition.name)` is no \(definition.type)",
                    remedy: "the column is an input of the features; leave the cell empty where there is no value")
            }
        }
        return passed.map { cells[$0] } + columns.map { cells[$0.column] }
    }

    /// The inputs of a row, of its spooled cells.
    func values(_ cells: UnsafeRawBufferPointer) -> [Value] {
        guard !columns.isEmpty, let start = cells.baseAddress else { return [] }
        var values = [Value](repeating: .null, count: inputCount)
        var reader = RecordReader(start)
        func next() -> UnsafeRawBufferPointer? {
            let length = reader.read(UInt32.self)
            return length == .max ? nil : reader.bytes(Int(length))
        }
        for _ in passed { _ = next() }
        for (input, definition, _) in columns {
            if let cell = next() { values[input] = definition.value(ofText: String(decoding: cell, as: UTF8.self)) ?? .null }
        }
        return values
    }
}
