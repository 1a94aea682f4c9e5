public import FeatureStore
internal import JSONBytes

/// `POST /push` and `POST /write-to-online-store` of Feast: columns of keys, times and values.
extension PushRequest {
    private enum Names {
        /// Feast names a push source or a feature view; a pushed view is both.
        static let view = ["push_source_name", "feature_view_name"]
        /// Feast's own columns: when the event was, and when the row was made, which does not matter here.
        static let time = "event_timestamp", created = ["created", "created_timestamp"]
    }

    /// Reads the body of either path.
    public init(feast bytes: UnsafeRawBufferPointer, definitions: Definitions) throws(FeastProblem) {
        var view: String?
        var isPush = false
        var columns: [(name: String, cells: [Range<Int>])] = []
        var hasColumns = false
        try JSONReader.feastBody(bytes) { name, reader in
            if Names.view.contains(name) {
                isPush = name == Names.view[0]
                guard try reader.peek() == .string else { throw FeastProblem.body("string_type", at: [name], "Input should be a valid string") }
                view = try reader.readString().text() ?? ""
            } else if name == "df" {
                hasColumns = true
                columns = try Self.columns(&reader)
            } else if name == "to" {
                let to = try reader.peek() == .string ? try reader.readString().text() ?? "" : ""
                guard to == "online" || to == "online_and_offline" else {
                    throw FeastProblem.invalid("Millrace pushes to the online store; \"to\" is online or online_and_offline.")
                }
            } else {
                try reader.skipValue()
            }
        }
        guard let view else { throw .body("missing", at: ["feature_view_name"], "Field required") }
        if !hasColumns { throw .body("missing", at: ["df"], "Field required") }
        try self.init(feast: view, isPush: isPush, columns, of: bytes, definitions)
    }

    /// `{"column": [cell, ...], ...}`
    private static func columns(_ reader: inout JSONReader) throws -> [(name: String, cells: [Range<Int>])] {
        var columns: [(name: String, cells: [Range<Int>])] = []
        guard try reader.peek() == .object else { throw FeastProblem.body("dict_type", at: ["df"], "Input should be a valid dictionary") }
        try reader.beginObject()
        while let key = try reader.nextKey() {
            let name = key.text() ?? ""
            guard try reader.peek() == .array else { throw FeastProblem.body("list_type", at: ["df", name], "Input should be a valid list") }
            var cells: [Range<Int>] = []
            try reader.beginArray()
            while try reader.nextElement() {
                if cells.count == maxRows { throw FeastProblem(LookupProblem(tooManyRows: maxRows)) }
                _ = try reader.peek()
                let start = reader.position
                try reader.skipValue()
                cells.append(start..<reader.position)
            }
            columns.append((name, cells))
        }
        return columns
    }

    private init(
        feast view: String, isPush: Bool, _ columns: [(name: String, cells: [Range<Int>])], of bytes: UnsafeRawBufferPointer, _ definitions: Definitions
    ) throws(FeastProblem) {
        guard let index = definitions.pushedStream(view) else {
            if definitions.views.contains(where: { $0.name == view }) {
                throw .invalid("Feature view \(view) is computed from its stream; only pushed features are written.")
            }
            throw isPush ? .unknownPushSource(view) : .unknown("FeastObjectNotFoundException", "Can't recognize feast object with a name \(view)")
        }
        let stream = definitions.streams[index]
        let entity = stream.keys[0].entity
        let count = columns.first?.cells.count ?? 0
        guard columns.allSatisfy({ $0.cells.count == count }) else { throw .invalid("All columns of df must have the same number of rows.") }
        guard columns.contains(where: { $0.name == entity }) else { throw .invalid("df has no column \(entity), the join key.") }
        if count == 0 { throw .invalid("df has no rows.") }
        // Named as the records of the topic have it; a time is written anew.
        let timeName = stream.time.path?.description ?? ""
        let used = try columns.filter { !Names.created.contains($0.name) }.map {
            (column) throws(FeastProblem) -> (name: String, isTime: Bool, cells: [Range<Int>]) in
            if column.name == entity { return (stream.keys[0].path.description, false, column.cells) }
            if stream.fields.contains(where: { $0.name == column.name }) { return (column.name, false, column.cells) }
            if column.name == Names.time { return (timeName, true, column.cells) }
            let nearest = NearestName.of(column.name, in: stream.fields.map(\.name)).map { "; did you mean \($0)?" } ?? ""
            throw .invalid("Feature view \(view) has no feature \(column.name)\(nearest)")
        }
        var rows: [PushRow] = []
        rows.reserveCapacity(count)
        for row in 0..<count {
            var json = JSONWriter()
            var hasTime = false
            json.beginObject()
            for (name, isTime, cells) in used {
                let cell = UnsafeRawBufferPointer(rebasing: bytes[cells[row]])
                if isTime {
                    guard let time = try Self.time(cell, row: row) else { continue }
                    hasTime = true
                    json.key(named: name)
                    json.eventTime(time, as: stream.time.format)
                } else {
                    json.key(named: name)
                    json.raw(Array(cell))
                }
            }
            json.endObject()
            rows.append(PushRow(json: json.bytes, hasTime: hasTime))
        }
        self.init(view: view, rows: rows)
    }

    /// A time as pandas writes it; without a zone it is UTC. Nil: null.
    private static func time(_ cell: UnsafeRawBufferPointer, row: Int) throws(FeastProblem) -> Int64? {
        if cell.first == UInt8(ascii: "n") { return nil }
        let text = String(decoding: cell, as: UTF8.self).filter { $0 != "\"" }
        guard let time = TimeText.parse(text) ?? TimeText.parse(text + "Z") else {
            throw .invalid("event_timestamp of row \(row) is not an ISO 8601 time: \(text.prefix(64))")
        }
        return time
    }
}
