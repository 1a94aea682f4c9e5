internal import FeatureStore
internal import JSONBytes

/// The record schema of an export, and rows in Avro's binary encoding (Apache Avro specification 1.11).
///
/// Every column but key and time may be null. Decimals are `bytes` with the logical type `decimal`, lists arrays, maps maps, rankings
/// arrays of records; times have the logical type `timestamp-micros`.
final class AvroEncoder: RowEncoder {
    private let layout: OutputLayout
    private var text: [UInt8] = []

    init(_ layout: OutputLayout) { self.layout = layout }

    // MARK: Schema

    static func schema(_ layout: OutputLayout) -> [UInt8] {
        var names = AvroNames()
        var json = JSONWriter()
        json.beginObject()
        json.member("type", "record")
        json.member("name", names.unique(layout.service ?? "export"))
        json.member("namespace", "millrace.export")
        names = AvroNames()
        json.key("fields")
        json.beginArray()
        func field(_ name: String, isOptional: Bool, _ type: (inout JSONWriter) -> Void) {
            json.beginObject()
            let valid = names.unique(name)
            json.member("name", valid)
            if valid != name { json.member("doc", name) }
            json.key("type")
            if isOptional {
                json.beginArray()
                json.string("null")
            }
            type(&json)
            if isOptional { json.endArray() }
            json.endObject()
        }
        field(layout.keyName, isOptional: false) { $0.string("string") }
        field(layout.timeName, isOptional: false) { logical("long", "timestamp-micros", &$0) }
        for column in layout.passed {
            field(column.name, isOptional: true) { json in
                switch column.kind {
                case .integer: json.string("long")
                case .number: json.string("double")
                case .bool: json.string("boolean")
                case .text: json.string("string")
                }
            }
        }
        for feature in layout.features {
            field(feature.name, isOptional: true) { Self.type(feature.type, named: feature.name, &$0) }
            if layout.hasStatus { field("\(feature.name)_status", isOptional: false) { $0.string("string") } }
        }
        for label in layout.labels { field(label.name, isOptional: true) { Self.type(label.type, named: label.name, &$0) } }
        json.endArray()
        json.endObject()
        return json.bytes
    }

    private static func logical(_ type: String, _ logical: String, _ json: inout JSONWriter) {
        json.beginObject()
        json.member("type", type)
        json.member("logicalType", logical)
        json.endObject()
    }

    /// `name` is the feature's, a name in Avro as it is.
    private static func type(_ type: ValueType, named name: String, _ json: inout JSONWriter) {
        switch type {
        case .bool: json.string("boolean")
        case .int: json.string("long")
        case .double: json.string("double")
        case .string: json.string("string")
        case .decimal(let scale):
            json.beginObject()
            json.member("type", "bytes")
            json.member("logicalType", "decimal")
            json.key("precision")
            json.int(39)
            json.key("scale")
            json.int(Int64(scale))
            json.endObject()
        case .list(let element), .map(let element):
            var isList = false
            if case .list = type { isList = true }
            json.beginObject()
            json.member("type", isList ? "array" : "map")
            json.key(isList ? "items" : "values")
            Self.type(element, named: name, &json)
            json.endObject()
        case .ranking:
            json.beginObject()
            json.member("type", "array")
            json.key("items")
            json.beginObject()
            json.member("type", "record")
            json.member("name", "\(name)_entry")
            json.key("fields")
            json.beginArray()
            for (part, type) in [("count", "long"), ("share", "double"), ("value", "string")] {
                json.beginObject()
                json.member("name", part)
                json.member("type", type)
                json.endObject()
            }
            json.endArray()
            json.endObject()
            json.endObject()
        }
    }

    // MARK: Rows

    func encode(_ row: OutputRow, into record: inout RecordWriter) {
        text.removeAll(keepingCapacity: true)
        append(row.key)
        long(row.time)
        row.forEachCell(layout) { i, cell in
            guard let cell else { return long(0) }
            long(1)
            let written = String(decoding: cell, as: UTF8.self)
            switch layout.passed[i].kind {
            case .integer: long(Int64(written) ?? 0)
            case .number: double(Double(written) ?? .nan)
            case .bool: text.append(written == "true" ? 1 : 0)
            case .text: append(cell)
            }
        }
        for (i, feature) in row.values.enumerated() {
            optional(feature.value, layout.features[i].type)
            if layout.hasStatus { string(feature.status.description) }
        }
        for (i, label) in row.labels.enumerated() { optional(label, layout.labels[i].type) }
        record.append(text)
    }

    private func optional(_ value: Value, _ type: ValueType) {
        if value.isNull { return long(0) }
        long(1)
        self.value(value, type)
    }

    /// A default may be written in another of the number types than the feature has.
    private func value(_ value: Value, _ type: ValueType) {
        switch (type, value) {
        case (.bool, .bool(let value)): text.append(value ? 1 : 0)
        case (.int, .int(let value)): long(value)
        case (.double, _): double(value.nearestDouble ?? .nan)
        case (.string, .string(let value)): string(value)
        case (.decimal(let scale), _): decimal(value.units(scale: scale))
        case (.list(let element), .list(let values)):
            if !values.isEmpty {
                long(Int64(values.count))
                for one in values { self.value(one, element) }
            }
            long(0)
        case (.map(let element), .map(let entries)):
            if !entries.isEmpty {
                long(Int64(entries.count))
                for entry in entries {
                    string(entry.key)
                    self.value(entry.value, element)
                }
            }
            long(0)
        case (.ranking, .list(let entries)):
            if !entries.isEmpty {
                long(Int64(entries.count))
                for entry in entries {
                    let ranked = RankedEntry(entry)
                    long(ranked.count)
                    double(ranked.share)
                    string(ranked.value)
                }
            }
            long(0)
        default: preconditionFailure("a value has its feature's type: the definitions were checked")
        }
    }

    private func long(_ value: Int64) { Self.long(value, to: &text) }

    /// Zigzag, then seven bits a byte.
    static func long(_ value: Int64, to text: inout [UInt8]) {
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        while rest >= 0x80 {
            text.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        text.append(UInt8(rest))
    }

    private func double(_ value: Double) { withUnsafeBytes(of: value.bitPattern.littleEndian) { text.append(contentsOf: $0) } }

    private func append(_ bytes: UnsafeRawBufferPointer) {
        long(Int64(bytes.count))
        text.append(contentsOf: bytes)
    }

    private func string(_ value: String) {
        long(Int64(value.utf8.count))
        text.append(contentsOf: value.utf8)
    }

    /// Big-endian two's complement, as short as the sign allows.
    private func decimal(_ units: Int128) {
        var bytes = withUnsafeBytes(of: units.bigEndian) { Array($0) }[...]
        while bytes.count > 1, let first = bytes.first, let second = bytes.dropFirst().first,
            (first == 0 && second < 0x80) || (first == 0xff && second >= 0x80)
        { bytes.removeFirst() }
        long(Int64(bytes.count))
        text.append(contentsOf: bytes)
    }
}

/// Names as Avro demands: letters, digits and `_`, no digit first, each once.
struct AvroNames {
    private var taken: Set<String> = []

    mutating func unique(_ name: String) -> String {
        var valid = String(decoding: name.utf8.map { byte -> UInt8 in
            (0x61...0x7a).contains(byte | 0x20) || (0x30...0x39).contains(byte) ? byte : 0x5f
        }, as: UTF8.self)
        if valid.utf8.first.map({ (0x30...0x39).contains($0) }) ?? true { valid = "_" + valid }
        var candidate = valid
        var number = 2
        while !taken.insert(candidate).inserted {
            candidate = "\(valid)_\(number)"
            number += 1
        }
        return candidate
    }
}

/// An Avro object container file: blocks of rows, not compressed.
final class AvroWriter: RowWriter {
    private static let blockBytes = 1 << 16
    private let file: OutputFile
    private let marker: [UInt8]
    private var block: [UInt8] = []
    private var blockRows = 0

    init(_ file: OutputFile, schema: [UInt8]) throws(ExportError) {
        self.file = file
        // The same export gives the same bytes, so the marker is made of the schema.
        marker = schema.withUnsafeBytes { bytes in
            [UInt64(1), 2].flatMap { seed in withUnsafeBytes(of: XXHash64.hash(bytes, seed: seed)) { Array($0) } }
        }
        var header = Array("Obj\u{1}".utf8)
        AvroEncoder.long(2, to: &header)
        for (key, value) in [("avro.schema", schema), ("avro.codec", Array("null".utf8))] {
            AvroEncoder.long(Int64(key.utf8.count), to: &header)
            header += Array(key.utf8)
            AvroEncoder.long(Int64(value.count), to: &header)
            header += value
        }
        AvroEncoder.long(0, to: &header)
        try file.write(header + marker)
    }

    func write(_ row: UnsafeRawBufferPointer) throws(ExportError) {
        block.append(contentsOf: row)
        blockRows += 1
        if block.count >= Self.blockBytes { try flush() }
    }

    private func flush() throws(ExportError) {
        guard blockRows > 0 else { return }
        var head: [UInt8] = []
        AvroEncoder.long(Int64(blockRows), to: &head)
        AvroEncoder.long(Int64(block.count), to: &head)
        try file.write(head)
        try file.write(block)
        try file.write(marker)
        block.removeAll(keepingCapacity: true)
        blockRows = 0
    }

    func finish() throws(ExportError) {
        try flush()
        try file.finish()
    }
}

extension Value {
    /// In units of `10^-scale`; the definitions' checks leave nothing to round.
    func units(scale: Int) -> Int128 {
        switch self {
        case .int(let value): Int128(value) * .powerOfTen(scale)
        case .decimal(let units, let own) where own <= scale: units * .powerOfTen(scale - own)
        case .decimal(let units, let own): units / .powerOfTen(own - scale)
        default: 0
        }
    }
}
