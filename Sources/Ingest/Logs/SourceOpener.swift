internal import Avro
internal import FeatureStore
internal import JSONBytes

/// Tells from a file's name and beginning what it is and how it is read.
final class SourceOpener {
    private let definitions: Definitions
    private let options: LogOptions
    /// What `options.stream` names.
    private let named: Int?

    init(_ definitions: Definitions, _ options: LogOptions) throws(LogError) {
        self.definitions = definitions
        self.options = options
        guard let name = options.stream else {
            named = nil
            return
        }
        guard let index = definitions.streams.firstIndex(where: { $0.name == name }) else {
            let near = NearestName.of(name, in: definitions.streams.map(\.name)).map { "did you mean `\($0)`?" }
            throw LogError(
                "the definitions have no stream `\(name)`",
                remedy: near ?? "they have \(definitions.streams.map(\.name).joined(separator: ", "))")
        }
        named = index
    }

    /// What `bytes`, the file's first, begin, and how many of them belong to no record. Nil: more bytes are needed to say.
    func open(
        _ bytes: UnsafeRawBufferPointer, isAll: Bool, path: String, index: Int
    ) throws(LogError) -> (LogSource, Int)? {
        guard bytes.count >= 16 || isAll else { return nil }
        guard let format = options.format ?? LogFormat.named(path) ?? LogFormat.detect(bytes) else {
            throw LogError(path: path, "it is not clear what format the file has", remedy: "name it, as in `--format csv`")
        }
        if bytes.count > options.maxRecordBytes, !isAll, format.isText, RecordSplitter.endOfLines(bytes) == 0 {
            throw LogError(path: path, line: 1, "the first line has more than \(options.maxRecordBytes) bytes", remedy: "is it a log?")
        }
        let start = format.isText ? try skipMark(bytes, path) : 0
        switch format {
        case .ndjson: return try openLines(bytes, from: start, isAll: isAll, path: path, index: index)
        case .csv, .tsv: return try openTable(bytes, from: start, isAll: isAll, path: path, index: index, format)
        case .protobuf:
            let stream = try stream(of: path)
            guard case .protobuf = definitions.streams[stream].format else {
                throw LogError(
                    path: path, "the stream `\(definitions.streams[stream].name)` is JSON: nothing says what is in Protobuf messages of it",
                    remedy: "name another stream, or another format")
            }
            return (LogSource(index: index, path: path, format: format, stream: stream), 0)
        case .avro: return try openContainer(bytes, isAll: isAll, path: path, index: index)
        }
    }

    /// Behind UTF-8's byte order mark. Other encodings have marks too, or zeros in their ASCII.
    private func skipMark(_ bytes: UnsafeRawBufferPointer, _ path: String) throws(LogError) -> Int {
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { return 3 }
        if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) || bytes.prefix(4).contains(0) {
            throw LogError(
                path: path, line: 1, offset: 0, "the file is not UTF-8: it looks like UTF-16 or UTF-32, or like no text at all",
                remedy: "convert it, as with `iconv -f UTF-16 -t UTF-8`")
        }
        return 0
    }

    // MARK: The stream

    /// Of records that name no topic: as the options say, else as the file's name or a directory's says, else the only one.
    private func stream(of path: String) throws(LogError) -> Int {
        if let named { return named }
        let parts = path.split(separator: "/").map(String.init)
        let byName = definitions.streams.indices.filter { index in
            parts.enumerated().contains { place, part in
                [definitions.streams[index].name, definitions.streams[index].topic].contains { name in
                    guard part.hasPrefix(name) else { return false }
                    // Of the file, what follows the name is a date or an ending: `clicks-2026.csv`, `clicks.csv`.
                    let next = part.dropFirst(name.count).first
                    return next == nil || (place == parts.count - 1 && !next!.isLetter)
                }
            }
        }
        if let best = byName.max(by: { definitions.streams[$0].name.count < definitions.streams[$1].name.count }) { return best }
        let streams = definitions.streams.indices.filter { !definitions.streams[$0].isErasures }
        if streams.count == 1 { return streams[0] }
        throw LogError(
            path: path, "its records do not say which stream they belong to, nor does its name",
            remedy: "say `--stream NAME`: \(definitions.streams.map(\.name).joined(separator: ", "))")
    }

    // MARK: NDJSON

    private func openLines(
        _ bytes: UnsafeRawBufferPointer, from start: Int, isAll: Bool, path: String, index: Int
    ) throws(LogError) -> (LogSource, Int)? {
        guard var first = bytes[start...].firstIndex(where: { $0 > 0x20 }) else {
            // Nothing but blank lines, and they do not matter.
            return isAll ? (LogSource(index: index, path: path, format: .ndjson, stream: named), bytes.count) : nil
        }
        if bytes[first] == UInt8(ascii: "["), bytes[(first + 1)...].first(where: { $0 > 0x20 }) == UInt8(ascii: "{") {
            throw LogError(
                path: path, line: 1, offset: Int64(first), "the file is one JSON array, not an object per line",
                remedy: "convert it, as with `jq -c '.[]'`")
        }
        var end = bytes[first...].firstIndex(of: 0x0a)
        if end == nil, !isAll { return nil }
        end = end ?? bytes.count
        first -= start
        let line = UnsafeRawBufferPointer(rebasing: bytes[(start + first)..<end!])
        let isEnvelope = options.envelope ?? Self.isEnvelope(line)
        let stream = isEnvelope ? named : try stream(of: path)
        return (LogSource(index: index, path: path, format: .ndjson, stream: stream, isEnvelope: isEnvelope), start)
    }

    /// Whether the line has a topic and a value; or begins with a topic, if it breaks off.
    static func isEnvelope(_ line: UnsafeRawBufferPointer) -> Bool {
        var reader = JSONReader(line)
        var isFirst = true, beginsWithTopic = false, hasTopic = false, hasValue = false
        do throws(JSONError) {
            try reader.beginObject()
            while let key = try reader.nextKey() {
                let kind = try reader.peek()
                let isTopic = key == "topic" && kind == .string
                if isFirst { beginsWithTopic = isTopic }
                isFirst = false
                hasTopic = hasTopic || isTopic
                hasValue = hasValue || key == "value" || key == "payload"
                try reader.skipValue()
            }
        } catch {
            return beginsWithTopic
        }
        return hasTopic && hasValue
    }

    // MARK: CSV

    private func openTable(
        _ bytes: UnsafeRawBufferPointer, from start: Int, isAll: Bool, path: String, index: Int, _ format: LogFormat
    ) throws(LogError) -> (LogSource, Int)? {
        let delimiter = format.delimiter
        var names: [String] = []
        var field: [UInt8] = []
        var at = start, isQuoted = false, isDone = false
        while !isDone, at < bytes.count {
            let byte = bytes[at]
            at += 1
            if byte == UInt8(ascii: "\"") {
                // A doubled quote closes and opens again: it stands for itself.
                if !isQuoted, at - 1 > start, bytes[at - 2] == byte, !field.isEmpty { field.append(byte) }
                isQuoted.toggle()
            } else if !isQuoted, byte == delimiter || byte == 0x0a {
                isDone = byte == 0x0a
                if isDone, field.last == 0x0d { field.removeLast() }
                try add(&field, to: &names, path)
            } else {
                field.append(byte)
            }
        }
        if !isDone {
            guard isAll else { return nil }
            guard !isQuoted else { throw LogError(path: path, line: 1, "the header ends inside quotes") }
            if field.last == 0x0d { field.removeLast() }
            try add(&field, to: &names, path)
        }
        var lines: Int64 = 0
        for byte in bytes[..<at] where byte == 0x0a { lines += 1 }
        let source = LogSource(
            index: index, path: path, format: format, stream: try stream(of: path), columns: names, headerLines: lines)
        _ = try LogDecoder.tableDecoder(source, definitions, options)
        return (source, at)
    }

    private func add(_ field: inout [UInt8], to names: inout [String], _ path: String) throws(LogError) {
        guard let name = String(validating: field, as: UTF8.self) else {
            throw LogError(path: path, line: 1, "the header is not valid UTF-8", remedy: "convert the file, as with `iconv -f LATIN1 -t UTF-8`")
        }
        guard !names.contains(name) else { throw LogError(path: path, line: 1, "the header names the column `\(name)` twice") }
        names.append(name)
        field.removeAll()
    }

    // MARK: Avro

    private func openContainer(
        _ bytes: UnsafeRawBufferPointer, isAll: Bool, path: String, index: Int
    ) throws(LogError) -> (LogSource, Int)? {
        switch AvroContainer.header(bytes) {
        case .needsMore:
            if isAll { throw LogError(path: path, offset: Int64(bytes.count), "the file is cut off in its header") }
            return nil
        case .invalid(let problem):
            throw LogError(path: path, offset: 0, problem)
        case .value(let header, let end):
            let source = LogSource(index: index, path: path, format: .avro, stream: try stream(of: path), container: header)
            _ = try LogDecoder.containerDecoder(source, definitions, options)
            return (source, end)
        }
    }
}

extension LogFormat {
    var delimiter: UInt8 { self == .tsv ? 0x09 : UInt8(ascii: ",") }
}
