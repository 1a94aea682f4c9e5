public import FeatureStore
internal import JSONBytes

/// Rows for one pushed view.
public struct PushRequest: Sendable, Equatable {
    public var view: String
    public var rows: [PushRow]

    /// A body may be larger than that of a lookup.
    public static let maxBodyBytes = 32 << 20
    public static let maxRows = 200_000

    public init(view: String, rows: [PushRow]) {
        self.view = view
        self.rows = rows
    }
}

extension PushRequest {
    /// Reads the body of `POST /v1/push/{view}`: `{"rows": [{"customer": "c1", "event_time": ..., "score": 0.93}]}`. Rows are what records of the
    /// topic are, but may leave out the time. A member that the view does not have is an error: its value would be lost.
    public init(json bytes: UnsafeRawBufferPointer, view: String, definitions: Definitions) throws(LookupProblem) {
        let columns = try PushColumns(view, definitions)
        var rows: [PushRow] = []
        var hasRows = false
        try JSONReader.body(bytes) { reader in
            guard try reader.peek() == .object else { throw Self.problem("The body is not an object.") }
            try reader.beginObject()
            while let key = try reader.nextKey() {
                guard key == "rows" else {
                    throw Self.problem("The body has no member \"\(key.text()?.prefix(64) ?? "")\".")
                }
                guard !hasRows, try reader.peek() == .array else { throw Self.problem("\"rows\" is one array.") }
                hasRows = true
                try reader.beginArray()
                while try reader.nextElement() {
                    if rows.count == Self.maxRows { throw LookupProblem(tooManyRows: Self.maxRows) }
                    rows.append(try Self.row(&reader, of: bytes, number: rows.count, columns))
                }
            }
        }
        if rows.isEmpty { throw Self.problem("The body has no rows.") }
        self.init(view: view, rows: rows)
    }

    private static func row(
        _ reader: inout JSONReader, of bytes: UnsafeRawBufferPointer, number: Int, _ columns: PushColumns
    ) throws -> PushRow {
        guard try reader.peek() == .object else { throw problem("rows[\(number)] is not an object.") }
        let start = reader.position
        var hasTime = false
        try reader.beginObject()
        while let key = try reader.nextKey() {
            let name = key.text() ?? ""
            guard columns.names.contains(name) else {
                throw LookupProblem(
                    .badRequest, detail: "rows[\(number)] has \"\(name.prefix(64))\", which \(columns.view) does not.",
                    remedy: LookupProblem.didYouMean(name, columns.names) + "Members are \(columns.names.joined(separator: ", ")).")
            }
            // A time of null is none.
            if name == columns.time { hasTime = try reader.peek() != .null }
            try reader.skipValue()
        }
        return PushRow(json: Array(bytes[start..<reader.position]), hasTime: hasTime)
    }

    private static func problem(_ detail: String) -> LookupProblem {
        LookupProblem(.badRequest, detail: detail, remedy: "Write {\"rows\": [{...}, ...]}.")
    }
}

/// What a row of a pushed view may have.
struct PushColumns {
    let view: String
    let stream: StreamDefinition
    let index: Int
    let key: String
    let time: String
    let names: [String]

    init(_ view: String, _ definitions: Definitions) throws(LookupProblem) {
        guard let index = definitions.pushedStream(view) else {
            let known = definitions.pushed.map(\.name)
            throw LookupProblem(
                .unknownPushed, detail: "There are no pushed features \"\(view.prefix(100))\".",
                remedy: known.isEmpty
                    ? "The definitions have no `pushed:` features."
                    : LookupProblem.didYouMean(view, known) + "There are \(known.joined(separator: ", ")).")
        }
        self.view = view
        self.index = index
        stream = definitions.streams[index]
        key = stream.keys[0].path.description
        time = stream.time.path?.description ?? ""
        names = [key, time] + stream.fields.map(\.name)
    }
}

extension LookupProblem {
    init(tooManyRows limit: Int) {
        self.init(.bodyTooLarge, detail: "The request has more than \(limit) rows.", remedy: "Split it into several.")
    }
}
