internal import FeatureStore
internal import JSONBytes

/// CSV as RFC 4180 has it: a header, then a line per row. Null is an empty field; lists and maps are JSON.
final class CSVEncoder: RowEncoder {
    private let layout: OutputLayout
    private var json = JSONWriter()
    private var text: [UInt8] = []

    init(_ layout: OutputLayout) { self.layout = layout }

    static func header(_ layout: OutputLayout) -> [UInt8] {
        var line: [UInt8] = []
        var names = [layout.keyName, layout.timeName] + layout.passed.map(\.name)
        for feature in layout.features {
            names.append(feature.name)
            if layout.hasStatus { names.append(OutputLayout.statusName(of: feature.name)) }
        }
        names += layout.labels.map(\.name)
        for (i, name) in names.enumerated() {
            if i > 0 { line.append(UInt8(ascii: ",")) }
            Array(name.utf8).withUnsafeBytes { append($0, to: &line) }
        }
        line.append(0x0a)
        return line
    }

    func encode(_ row: OutputRow, into record: inout RecordWriter) {
        text.removeAll(keepingCapacity: true)
        Self.append(row.key, to: &text)
        text.append(UInt8(ascii: ","))
        layout.timeFormat.append(row.time, to: &text)
        row.forEachCell(layout) { _, cell in
            text.append(UInt8(ascii: ","))
            // An empty text in quotes is told from null.
            if let cell { cell.isEmpty ? text.append(contentsOf: "\"\"".utf8) : Self.append(cell, to: &text) }
        }
        for feature in row.values {
            text.append(UInt8(ascii: ","))
            append(feature.value)
            if layout.hasStatus {
                text.append(UInt8(ascii: ","))
                text.append(contentsOf: feature.status.description.utf8)
            }
        }
        for label in row.labels {
            text.append(UInt8(ascii: ","))
            append(label)
        }
        text.append(0x0a)
        record.append(text)
    }

    private func append(_ value: Value) {
        switch value {
        case .null: break
        case .string(var string):
            if string.isEmpty { text.append(contentsOf: "\"\"".utf8) }
            string.withUTF8 { Self.append(UnsafeRawBufferPointer($0), to: &text) }
        default:
            json.reset()
            json.value(value)
            json.withBytes { Self.append($0, to: &text) }
        }
    }

    private static func append(_ field: UnsafeRawBufferPointer, to text: inout [UInt8]) {
        let needsQuotes = field.contains { $0 == 0x22 || $0 == 0x2c || $0 == 0x0a || $0 == 0x0d }
        guard needsQuotes else { return text.append(contentsOf: field) }
        text.append(0x22)
        for byte in field {
            if byte == 0x22 { text.append(0x22) }
            text.append(byte)
        }
        text.append(0x22)
    }
}

/// A JSON object per line, its members in the order of the columns.
final class NDJSONEncoder: RowEncoder {
    private let layout: OutputLayout
    private var json = JSONWriter()
    private var text: [UInt8] = []

    init(_ layout: OutputLayout) { self.layout = layout }

    func encode(_ row: OutputRow, into record: inout RecordWriter) {
        json.reset()
        json.beginObject()
        json.key(named: layout.keyName)
        json.string(utf8: row.key)
        json.key(named: layout.timeName)
        text.removeAll(keepingCapacity: true)
        layout.timeFormat.append(row.time, to: &text)
        if layout.timeFormat == .rfc3339 { text.withUnsafeBytes { json.string(utf8: $0) } } else { json.raw(text) }
        row.forEachCell(layout) { i, cell in
            json.key(named: layout.passed[i].name)
            guard let cell else { return json.null() }
            if layout.passed[i].kind == .text { json.string(String(decoding: cell, as: UTF8.self)) } else { json.raw(Array(cell)) }
        }
        for (i, feature) in row.values.enumerated() {
            json.key(named: layout.features[i].name)
            json.value(feature.value)
            if layout.hasStatus {
                json.key(named: OutputLayout.statusName(of: layout.features[i].name))
                json.string(feature.status.description)
            }
        }
        for (i, label) in row.labels.enumerated() {
            json.key(named: layout.labels[i].name)
            json.value(label)
        }
        json.endObject()
        json.withBytes { record.append($0) }
        record.append(UInt8(0x0a))
    }
}

/// Rows that are the file's bytes already, after a header.
final class PlainWriter: RowWriter {
    private let file: OutputFile

    init(_ file: OutputFile, header: [UInt8] = []) throws(ExportError) {
        self.file = file
        try file.write(header)
    }

    func write(_ row: UnsafeRawBufferPointer) throws(ExportError) { try file.write(row) }
    func finish() throws(ExportError) { try file.finish() }
}
