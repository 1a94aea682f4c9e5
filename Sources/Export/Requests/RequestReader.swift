internal import FeatureStore
internal import JSONBytes

/// Where the list of requests is and how to read it: one row per vector, with an entity key, a time and any other columns.
public struct RequestSource: Sendable {
    public enum Format: String, Sendable, CaseIterable { case csv, ndjson }
    /// `-` is standard input.
    public var path: String
    /// Nil: by the name's ending, `.csv`, or `.ndjson`, `.jsonl` and `.json`.
    public var format: Format?
    /// Nil: the column that is named as the entity, else `key`.
    public var keyColumn: String?
    public var timeColumn = "time"
    public var timeFormat = RequestTimeFormat.rfc3339
    public init(path: String) { self.path = path }
}

/// A column of the request list other than key and time; it goes through to the output.
struct PassedColumn: Sendable, Equatable {
    enum Kind: Sendable { case integer, number, bool, text }

    var name: String
    /// What every value so far can be read as.
    private var canBeInteger = true
    private var canBeNumber = true
    private var canBeBool = true
    private var hasValue = false
    /// The longest, in bytes.
    private(set) var width = 1

    init(name: String) { self.name = name }

    var kind: Kind {
        if !hasValue { return .text }
        return canBeInteger ? .integer : canBeNumber ? .number : canBeBool ? .bool : .text
    }

    mutating func note(_ text: UnsafeRawBufferPointer, isQuotedText: Bool) {
        hasValue = true
        width = Swift.max(width, text.count)
        if isQuotedText { (canBeInteger, canBeNumber, canBeBool) = (false, false, false) }
        if canBeNumber {
            var reader = JSONReader(text)
            let number = try? reader.readNumber()
            if number == nil || reader.position != text.count { canBeNumber = false }
        }
        if canBeInteger { canBeInteger = canBeNumber && Int64(String(decoding: text, as: UTF8.self)) != nil }
        if canBeBool { canBeBool = text.elementsEqual("true".utf8) || text.elementsEqual("false".utf8) }
    }
}

/// Goes through the request list once.
struct RequestReader {
    private enum Input {
        case csv(CSVRecords)
        case ndjson(JSONRows)
    }

    private let source: RequestSource
    private let input: Input
    let keyName: String
    /// Position in the record of key, time and the passed columns.
    private var keyAt = 0
    private var timeAt = 0
    private var passedAt: [Int] = []
    private(set) var columns: [PassedColumn] = []
    /// Rows read, the header not counted.
    private(set) var rowCount = 0
    private(set) var longestKey = 1

    // The row last read.
    private(set) var key: [UInt8] = []
    private(set) var time: Int64 = 0
    /// Per passed column; nil: null.
    private(set) var cells: [[UInt8]?] = []

    init(_ source: RequestSource, entity: String) throws(ExportError) {
        self.source = source
        let file = try InputFile(path: source.path, what: "the request list")
        let name = file.path
        let byName: RequestSource.Format? =
            if source.path.hasSuffix(".csv") { .csv }
            else if [".ndjson", ".jsonl", ".json"].contains(where: { source.path.hasSuffix($0) }) { .ndjson } else { nil }
        guard let format = source.format ?? byName else {
            throw ExportError("\(name): neither .csv nor .ndjson", remedy: "say which it is: --requests-format csv or ndjson")
        }
        let names: [String]
        switch format {
        case .csv:
            let records = CSVRecords(file)
            guard try records.next() else {
                throw ExportError("\(name) is empty", remedy: "its first line must name the columns, as in \(entity),time")
            }
            names = records.ends.indices.map { String(decoding: records.field($0), as: UTF8.self) }
            input = .csv(records)
        case .ndjson:
            let rows = JSONRows(file)
            names = try rows.firstNames()
            input = .ndjson(rows)
        }
        for (index, column) in names.enumerated() where names[..<index].contains(column) {
            throw ExportError("\(name): the column `\(column)` is there twice", remedy: "give one of them another name")
        }
        func find(_ wanted: String, _ option: String) throws(ExportError) -> Int {
            if let index = names.firstIndex(of: wanted) { return index }
            let guess = NearestName.of(wanted, in: names).map { "did you mean `\($0)`? " } ?? ""
            throw ExportError(
                "\(name) has no column `\(wanted)`",
                remedy: "\(guess)name it with \(option); there are: \(names.joined(separator: ", "))")
        }
        if let wanted = source.keyColumn {
            keyAt = try find(wanted, "--key-column")
        } else if let index = names.firstIndex(of: entity) ?? names.firstIndex(of: "key") {
            keyAt = index
        } else {
            keyAt = try find(entity, "--key-column")
        }
        timeAt = try find(source.timeColumn, "--time-column")
        keyName = names[keyAt]
        passedAt = names.indices.filter { $0 != keyAt && $0 != timeAt }
        columns = passedAt.map { PassedColumn(name: names[$0]) }
        cells = Array(repeating: nil, count: columns.count)
    }

    var bytesRead: Int {
        switch input {
        case .csv(let records): records.file.bytesRead
        case .ndjson(let rows): rows.file.bytesRead
        }
    }

    var byteCount: Int? {
        switch input {
        case .csv(let records): records.file.byteCount
        case .ndjson(let rows): rows.file.byteCount
        }
    }

    /// Reads the next row; false at the end.
    mutating func next() throws(ExportError) -> Bool {
        switch input {
        case .csv(let records):
            guard try records.next() else { return false }
            try take(records)
        case .ndjson(let rows):
            guard try rows.next(row: rowCount + 1) else { return false }
            try take(rows)
        }
        return true
    }

    private mutating func take(_ records: CSVRecords) throws(ExportError) {
        rowCount += 1
        let place = "\(records.file.path), row \(rowCount) (line \(records.line))"
        guard records.ends.count == columns.count + 2 else {
            throw ExportError(
                "\(place): \(records.ends.count) fields, but \(columns.count + 2) columns",
                remedy: "fields that hold commas or line ends stand in double quotes")
        }
        try takeKeyAndTime(Array(records.field(keyAt)), Array(records.field(timeAt)), place)
        for i in passedAt.indices {
            let field = records.field(passedAt[i])
            let isQuoted = records.quoted[passedAt[i]]
            cells[i] = field.isEmpty && !isQuoted ? nil : Array(field)
            // Quotes do not make text of a number: many programs put them around everything.
            if let cell = cells[i] { cell.withUnsafeBytes { columns[i].note($0, isQuotedText: false) } }
        }
    }

    private mutating func take(_ rows: JSONRows) throws(ExportError) {
        rowCount += 1
        let place = "\(rows.file.path), row \(rowCount)"
        try takeKeyAndTime(rows.cells[keyAt] ?? [], rows.cells[timeAt] ?? [], place)
        for i in passedAt.indices {
            cells[i] = rows.cells[passedAt[i]]
            let isText = rows.isText[passedAt[i]]
            if let cell = cells[i] { cell.withUnsafeBytes { columns[i].note($0, isQuotedText: isText) } }
        }
    }

    private mutating func takeKeyAndTime(_ key: [UInt8], _ time: [UInt8], _ place: String) throws(ExportError) {
        guard !key.isEmpty else { throw ExportError("\(place): the key `\(keyName)` is empty", remedy: "every row needs an entity key") }
        guard key.count <= Shard.maxKeyBytes else {
            throw ExportError("\(place): the key `\(keyName)` has \(key.count) bytes", remedy: "keys have at most \(Shard.maxKeyBytes)")
        }
        self.key = key
        longestKey = Swift.max(longestKey, key.count)
        do throws(ExportError) {
            self.time = try time.withBytes { bytes throws(ExportError) in try source.timeFormat.parse(bytes) }
        } catch {
            throw ExportError("\(place): \(error.what)", remedy: error.remedy)
        }
    }
}
