import FeatureStore
import JSONBytes

/// Finds the values of a stream's paths in one row of a CSV file (RFC 4180).
///
/// An empty field is null; one that is empty within quotes is the empty string, or null where a number, a bool or a time is wanted.
/// Doubled quotes are resolved where they stand, so the row's memory must be writable.
final class CSVProjection {
    private struct Column {
        /// Negative: nothing reads it.
        var capture: Int32
        var isBool: Bool
        var isVector: Bool
    }

    private let columns: UnsafeMutablePointer<Column>
    private let columnCount: Int
    private let delimiter: UInt8

    init(
        _ plan: DecoderPlan, stream: String, columns names: [String], options: LogOptions, delimiter: UInt8
    ) throws(DecoderSetupError) {
        self.delimiter = delimiter
        columnCount = names.count
        columns = .allocate(capacity: max(1, names.count))
        columns.initialize(repeating: Column(capture: -1, isBool: false, isVector: false), count: names.count)
        let paths = names.map { options.columns[$0] ?? $0 }
        var known: Set<String> = []
        for slot in plan.slots {
            guard let node = slot.node else { continue }
            known.insert("\(slot.path)")
            guard let column = paths.firstIndex(of: "\(slot.path)") else {
                if case .field = slot.role, options.missingFieldsAreNull { continue }
                let near = NearestName.of("\(slot.path)", in: names)
                throw DecoderSetupError(
                    stream: stream, path: "\(slot.path)", problem: "\(slot.name): the header has no such column",
                    remedy: "say which column it is, as in `\(near ?? "COLUMN")=\(slot.path)`"
                        + (slot.role.isField ? ", or that missing fields are null" : ""))
            }
            columns[column].capture = Int32(node.capture)
            if case .field(.bool) = slot.role { columns[column].isBool = true }
            columns[column].isVector = slot.role.isVector
        }
        for (name, path) in options.columns.sorted(by: { $0.key < $1.key }) where names.contains(name) && !known.contains(path) {
            throw DecoderSetupError(
                stream: stream, path: path, problem: "the column `\(name)` stands for `\(path)`, which the stream does not read",
                remedy: "it reads \(known.sorted().joined(separator: ", "))")
        }
    }

    deinit { columns.deallocate() }

    /// Fills `captures`, which are all absent before, from a row without its line break.
    func scan(
        _ row: UnsafeRawBufferPointer, into captures: UnsafeMutablePointer<RawValue>, position: inout Int
    ) throws(DecodeProblem) {
        var at = 0, column = 0
        while true {
            position = at
            guard column < columnCount else { throw .rowTooLong }
            var value = RawValue(position: Int32(truncatingIfNeeded: at))
            if at < row.count, row[at] == UInt8(ascii: "\"") {
                let (content, end) = try quoted(row, from: at)
                value.position = Int32(truncatingIfNeeded: content.lowerBound)
                value.length = Int32(truncatingIfNeeded: content.count)
                value.kind = .text
                value.isDefault = content.isEmpty
                at = end
            } else {
                let start = at
                while at < row.count, row[at] != delimiter {
                    if row[at] == UInt8(ascii: "\"") {
                        position = at
                        throw .rowQuote
                    }
                    at += 1
                }
                value.length = Int32(truncatingIfNeeded: at - start)
                value.kind = at == start ? .null : .text
            }
            let target = columns[column]
            if target.capture >= 0 {
                if target.isBool, value.kind == .text { value = bool(value, row) }
                if target.isVector, value.kind == .text { value = vector(value, row) }
                captures[Int(target.capture)] = value
            }
            column += 1
            if at == row.count { break }
            guard row[at] == delimiter else {
                position = at
                throw .rowQuote
            }
            at += 1
        }
        position = at
        guard column == columnCount else { throw .rowTooShort }
    }

    /// The field that begins with the quote at `start`, resolved in place; and the offset behind its closing quote.
    private func quoted(_ row: UnsafeRawBufferPointer, from start: Int) throws(DecodeProblem) -> (Range<Int>, Int) {
        let bytes = UnsafeMutableRawBufferPointer(mutating: row)
        var read = start + 1, written = start + 1
        while read < row.count {
            let byte = bytes[read]
            if byte == UInt8(ascii: "\"") {
                guard read + 1 < row.count, bytes[read + 1] == byte else { return (start + 1..<written, read + 1) }
                read += 1
            }
            if read != written { bytes[written] = byte }
            read += 1
            written += 1
        }
        throw .rowCut
    }

    /// A JSON array of numbers, as text.
    private func vector(_ text: RawValue, _ row: UnsafeRawBufferPointer) -> RawValue {
        var value = text
        var reader = JSONReader(
            UnsafeRawBufferPointer(rebasing: row[Int(text.position)..<Int(text.position) + Int(text.length)]))
        if text.length == 0 {
            value.kind = .null
        } else if (try? reader.peek()) == .array, (try? reader.skipValue()) != nil, (try? reader.finish()) != nil {
            value.kind = .array
        }
        return value
    }

    private func bool(_ text: RawValue, _ row: UnsafeRawBufferPointer) -> RawValue {
        let bytes = row[Int(text.position)..<Int(text.position) + Int(text.length)]
        var value = text
        value.kind = .bool
        if bytes.isEmpty {
            value.kind = .null
        } else if ["true", "TRUE", "True", "t", "1"].contains(where: { $0.utf8.elementsEqual(bytes) }) {
            value.word = 1
        } else if !["false", "FALSE", "False", "f", "0"].contains(where: { $0.utf8.elementsEqual(bytes) }) {
            value.kind = .text
        }
        return value
    }
}

extension DecoderPlan.Role {
    var isField: Bool { if case .field = self { true } else { false } }
}
