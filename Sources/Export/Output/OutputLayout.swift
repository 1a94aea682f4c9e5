internal import FeatureStore

/// The columns of an export, in order: key, time, the request list's other columns, features (and their statuses), labels.
struct OutputLayout: Sendable {
    struct Feature: Sendable {
        var name: String
        var type: ValueType
    }

    var entity: String
    var keyName: String
    var timeName: String
    var timeFormat: RequestTimeFormat
    var passed: [PassedColumn]
    var features: [Feature]
    /// What the vector is for a model: packed arrays have these columns.
    var columns: VectorColumns
    var labels: [Feature]
    /// CSV, NDJSON and Avro have a column of statuses per feature.
    var hasStatus: Bool
    var rowCount: Int
    var longestKey: Int
    /// What else describes the export, for the schema of packed arrays.
    var service: String?
    var version: Int?
    var isAsKnown: Bool

    /// Names of columns must differ.
    func check() throws(ExportError) {
        var seen: Set<String> = [keyName, timeName]
        for (name, what) in passed.map({ ($0.name, "column") }) + features.map({ ($0.name, "feature") })
            + (hasStatus ? features.map { (Self.statusName(of: $0.name), "status column") } : [])
            + labels.map({ ($0.name, "label") })
        where !seen.insert(name).inserted {
            throw ExportError(
                "the \(what) `\(name)` has the name of another column of the output",
                remedy: "rename it in the request list, or give the label another name")
        }
    }

    /// Whether each feature has columns of numbers; packed arrays have files of their own for the others.
    var hasColumns: [Bool] {
        var has = Array(repeating: false, count: features.count)
        for part in columns.parts { has[part.feature] = true }
        return has
    }

    static func statusName(of feature: String) -> String { "\(feature).status" }
}

/// One row of the output before it is written.
struct OutputRow {
    var row: Int
    var key: UnsafeRawBufferPointer
    var time: Int64
    /// The passed columns, as `RequestCodec` writes them.
    var cells: UnsafeRawBufferPointer
    var found: Bool
    var values: [FeatureValue]
    var labels: [Value]

    /// Calls `body` with each passed column's text; nil: null.
    func forEachCell(_ layout: borrowing OutputLayout, _ body: (Int, UnsafeRawBufferPointer?) -> Void) {
        guard let start = cells.baseAddress else { return }
        var reader = RecordReader(start)
        for i in layout.passed.indices {
            let length = reader.read(UInt32.self)
            body(i, length == .max ? nil : reader.bytes(Int(length)))
        }
    }
}

/// Turns rows into the bytes that the writer of the same format takes. One per thread.
protocol RowEncoder: AnyObject {
    func encode(_ row: OutputRow, into record: inout RecordWriter)
}

/// Takes encoded rows in the order of the request list.
protocol RowWriter: AnyObject {
    func write(_ row: UnsafeRawBufferPointer) throws(ExportError)
    func finish() throws(ExportError)
}

/// One entry of a `ValueType.ranking`.
struct RankedEntry {
    private(set) var count: Int64 = 0
    private(set) var share = 0.0
    private(set) var value = ""

    init(_ entry: Value) {
        guard case .map(let members) = entry else { return }
        for member in members {
            switch (member.key, member.value) {
            case ("count", .int(let count)): self.count = count
            case ("share", let share): self.share = share.nearestDouble ?? .nan
            case ("value", .string(let value)): self.value = value
            default: break
            }
        }
    }
}
