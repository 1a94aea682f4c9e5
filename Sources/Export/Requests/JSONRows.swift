internal import JSONBytes

/// The rows of a file with one JSON object per line. The first one names the columns.
final class JSONRows {
    static let maxLineBytes = 16 << 20

    let file: InputFile
    private var names: [String] = []
    private var line: [UInt8] = []
    private var isFirstWaiting = false
    /// Per column: the text of a string, the JSON of anything else; nil: null or absent.
    private(set) var cells: [[UInt8]?] = []
    private(set) var isText: [Bool] = []

    init(_ file: InputFile) { self.file = file }

    func firstNames() throws(ExportError) -> [String] {
        guard try readLine() else {
            throw ExportError("\(file.path) is empty", remedy: "each line is a JSON object with a key, a time and any other members")
        }
        isFirstWaiting = true
        try parse(row: 1, isFirst: true)
        return names
    }

    /// Reads the next row into `cells`; false at the end.
    func next(row: Int) throws(ExportError) -> Bool {
        if isFirstWaiting {
            isFirstWaiting = false
            return true
        }
        guard try readLine() else { return false }
        try parse(row: row, isFirst: false)
        return true
    }

    /// The next line that is not blank.
    private func readLine() throws(ExportError) -> Bool {
        while true {
            line.removeAll(keepingCapacity: true)
            var ended = false
            while let byte = try file.next() {
                if byte == 0x0a {
                    ended = true
                    break
                }
                line.append(byte)
                if line.count > Self.maxLineBytes {
                    throw ExportError("\(file.path): a line has more than \(Self.maxLineBytes) bytes", remedy: "write one JSON object per line")
                }
            }
            if line.contains(where: { $0 > 0x20 }) { return true }
            if !ended { return false }
        }
    }

    private func parse(row: Int, isFirst: Bool) throws(ExportError) {
        var names = self.names
        var cells = [[UInt8]?](repeating: nil, count: names.count)
        var isText = [Bool](repeating: false, count: names.count)
        var unknown: String?
        do throws(JSONError) {
            try line.withBytes { bytes throws(JSONError) in
                var reader = JSONReader(bytes)
                try reader.beginObject()
                while let key = try reader.nextKey() {
                    let name = String(decoding: try unescaped(key), as: UTF8.self)
                    var index = names.firstIndex(of: name)
                    if index == nil, isFirst {
                        index = names.count
                        names.append(name)
                        cells.append(nil)
                        isText.append(false)
                    }
                    let kind = try reader.peek()
                    var cell: [UInt8]?
                    if kind == .string {
                        cell = try unescaped(reader.readString())
                    } else {
                        // The white space before it is skipped by `peek`.
                        let start = reader.position
                        try reader.skipValue()
                        if kind != .null { cell = Array(bytes[start..<reader.position]) }
                    }
                    guard let index else {
                        unknown = name
                        continue
                    }
                    cells[index] = cell
                    isText[index] = kind == .string || kind == .object || kind == .array
                }
                try reader.finish()
            }
        } catch {
            throw ExportError("\(file.path), row \(row): not a JSON object: \(error)", remedy: "write one JSON object per line")
        }
        if let unknown {
            throw ExportError("\(file.path), row \(row): the member `\(unknown)` is not in the first row", remedy: "give every row the same members, null where there is no value")
        }
        self.names = names
        self.cells = cells
        self.isText = isText
    }
}

private func unescaped(_ string: JSONString) throws(JSONError) -> [UInt8] {
    guard string.hasEscapes else { return Array(string.bytes) }
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: string.bytes.count, alignment: 1)
    defer { room.deallocate() }
    return Array(room[..<(try string.unescape(into: room))])
}
