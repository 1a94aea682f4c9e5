internal import Foundation
import FeatureStore
import JSONBytes

/// Summaries of a training export, CSV or NDJSON (docs/EXPORT.md): one for each column that is a watched feature.
package struct ExportSummary {
    package private(set) var summaries: [String: FeatureSummary] = [:]
    package private(set) var rows = 0

    private let columns: [String: Watched.Feature]
    private static let maxLineBytes = 64 << 20

    /// `entity`: whose features the columns are; nil: of the entity that has most of them.
    package init(path: String, watched: Watched, entity: String?) throws(MonitoringError) {
        guard let file = FileHandle(forReadingAtPath: path) else { throw .export("cannot be read", file: path) }
        defer { try? file.close() }
        var records = Records(file)
        guard let first = try records.next(path) else { throw .export("is empty", file: path) }
        if first.starts(with: [0x1f, 0x8b]) || first.starts(with: [0x28, 0xb5, 0x2f, 0xfd]) {
            throw .export("is compressed: unpack it first", file: path)
        }
        let isJSON = first.first == UInt8(ascii: "{")
        let names = isJSON ? try Self.members(first, path).map { $0.name } : Self.fields(first).map { $0.map { String(decoding: $0, as: UTF8.self) } ?? "" }
        columns = Self.columns(names, watched, entity)
        guard !columns.isEmpty else {
            throw .export("has no column that is a watched feature\(entity.map { " of \($0)" } ?? "")", file: path)
        }
        if isJSON { try add(members: first, path) }
        while let record = try records.next(path) {
            if isJSON { try add(members: record, path) } else { try add(fields: record, names, path) }
        }
        guard rows > 0 else { throw .export("has no rows", file: path) }
    }

    private static func columns(_ names: [String], _ watched: Watched, _ entity: String?) -> [String: Watched.Feature] {
        var best: [String: Watched.Feature] = [:]
        for candidate in watched.entities where entity == nil || candidate.name == entity {
            let features = watched.features[candidate.features].filter { names.contains($0.feature) }
            if features.count > best.count { best = Dictionary(uniqueKeysWithValues: features.map { ($0.feature, $0) }) }
        }
        return best
    }

    private mutating func add(_ observed: Observed, _ feature: Watched.Feature) { summaries[feature.name, default: .init()].add(observed) }

    // MARK: CSV

    private mutating func add(fields record: [UInt8], _ names: [String], _ path: String) throws(MonitoringError) {
        let fields = Self.fields(record)
        guard fields.count == names.count else {
            throw .export("row \(rows + 1) has \(fields.count) fields, and the header \(names.count)", file: path)
        }
        rows += 1
        for (name, field) in zip(names, fields) {
            guard let feature = columns[name] else { continue }
            add(Self.observed(field.map { String(decoding: $0, as: UTF8.self) }, feature.type), feature)
        }
    }

    /// Nil: an empty field without quotes.
    private static func fields(_ record: [UInt8]) -> [[UInt8]?] {
        var fields: [[UInt8]?] = []
        var field: [UInt8] = []
        var isQuoted = false, wasQuoted = false
        var at = 0
        while at < record.count {
            let byte = record[at]
            if isQuoted {
                if byte == 0x22, at + 1 < record.count, record[at + 1] == 0x22 {
                    field.append(byte)
                    at += 1
                } else if byte == 0x22 {
                    isQuoted = false
                } else {
                    field.append(byte)
                }
            } else if byte == 0x22 {
                (isQuoted, wasQuoted) = (true, true)
            } else if byte == 0x2c {
                fields.append(field.isEmpty && !wasQuoted ? nil : field)
                field = []
                wasQuoted = false
            } else {
                field.append(byte)
            }
            at += 1
        }
        fields.append(field.isEmpty && !wasQuoted ? nil : field)
        return fields
    }

    private static func observed(_ text: String?, _ type: ValueType) -> Observed {
        guard let text else { return .null }
        switch type {
        case .string: return .hash(Observed.hash(text))
        case .bool: return .number(text == "true" ? 1 : 0)
        case .int, .double, .decimal: return Double(text).map { $0.isFinite ? .number($0) : .null } ?? .null
        case .list, .map, .ranking:
            let bytes = Array(text.utf8)
            return bytes.withUnsafeBytes { bytes in
                var reader = JSONReader(bytes)
                return (try? observed(&reader, type)) ?? .null
            }
        }
    }

    // MARK: NDJSON

    private mutating func add(members record: [UInt8], _ path: String) throws(MonitoringError) {
        rows += 1
        for (name, range) in try Self.members(record, path) {
            guard let feature = columns[name] else { continue }
            let observed: Observed = record.withUnsafeBytes { bytes in
                var reader = JSONReader(UnsafeRawBufferPointer(rebasing: bytes[range]))
                return (try? Self.observed(&reader, feature.type)) ?? .null
            }
            add(observed, feature)
        }
    }

    /// Names and where the values are.
    private static func members(_ record: [UInt8], _ path: String) throws(MonitoringError) -> [(name: String, range: Range<Int>)] {
        let result: [(name: String, range: Range<Int>)]? = record.withUnsafeBytes { bytes in
            do throws(JSONError) {
                var found: [(name: String, range: Range<Int>)] = []
                var reader = JSONReader(bytes)
                try reader.beginObject()
                while let key = try reader.nextKey() {
                    let start = reader.position
                    try reader.skipValue()
                    found.append((key.text() ?? "", start..<reader.position))
                }
                try reader.finish()
                return found
            } catch { return nil }
        }
        guard let result else { throw .export("has a line that is no JSON object", file: path) }
        return result
    }

    private static func observed(_ reader: inout JSONReader, _ type: ValueType) throws(JSONError) -> Observed {
        switch try reader.peek() {
        case .null: return .null
        case .bool: return .number(try reader.readBool() ? 1 : 0)
        case .number:
            let text = String(decoding: try reader.readNumber(), as: UTF8.self)
            return Double(text).map { $0.isFinite ? .number($0) : .null } ?? .null
        case .string: return .hash(Observed.hash(try reader.readString().text() ?? ""))
        case .object:
            var count = 0
            try reader.beginObject()
            while try reader.nextKey() != nil {
                try reader.skipValue()
                count += 1
            }
            return .number(Double(count))
        case .array:
            var count = 0, squares = 0.0
            var isNumbers = type == .list(.double)
            try reader.beginArray()
            while try reader.nextElement() {
                count += 1
                if isNumbers, try reader.peek() == .number, let number = Double(String(decoding: try reader.readNumber(), as: UTF8.self)) {
                    squares += number * number
                } else {
                    isNumbers = false
                    try reader.skipValue()
                }
            }
            return .number(isNumbers && count > 0 ? squares.squareRoot() : Double(count))
        }
    }

    /// Lines of a file; a line break inside quotes is part of a CSV field.
    private struct Records {
        private let file: FileHandle
        private var buffer: [UInt8] = []
        private var at = 0
        private var isAtEnd = false

        init(_ file: FileHandle) { self.file = file }

        mutating func next(_ path: String) throws(MonitoringError) -> [UInt8]? {
            var end = at
            var isQuoted = false
            while true {
                while end < buffer.count {
                    if buffer[end] == 0x22, buffer[at] != UInt8(ascii: "{") { isQuoted.toggle() }
                    if buffer[end] == 0x0a, !isQuoted {
                        var line = Array(buffer[at..<end])
                        if line.last == 0x0d { line.removeLast() }
                        at = end + 1
                        if !line.isEmpty { return line }
                    }
                    end += 1
                }
                if isAtEnd {
                    let rest = Array(buffer[at...])
                    at = buffer.count
                    return rest.isEmpty ? nil : rest
                }
                guard end - at < ExportSummary.maxLineBytes else { throw .export("has a line of more than \(ExportSummary.maxLineBytes >> 20) MiB", file: path) }
                buffer.removeSubrange(..<at)
                end -= at
                at = 0
                guard let more = try? file.read(upToCount: 1 << 20), !more.isEmpty else {
                    isAtEnd = true
                    continue
                }
                buffer.append(contentsOf: more)
            }
        }
    }
}
