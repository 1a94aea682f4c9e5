internal import FeatureStore
internal import JSONBytes

/// `schema.json` of packed arrays: every column, its type, and which file and column of it hold it.
enum PackedSchema {
    static func json(_ layout: OutputLayout, rows: Int, columns: [String]) -> [UInt8] {
        var json = JSONWriter(reservingBytes: 4096)
        json.beginObject()
        json.member("format", "millrace-export")
        json.key("version")
        json.int(1)
        json.key("rows")
        json.int(Int64(rows))
        json.member("entity", layout.entity)
        if let service = layout.service {
            json.member("service", service)
            json.key("service_version")
            json.int(Int64(layout.version ?? 1))
        }
        json.member("schema", hexadecimal(layout.columns.fingerprint))
        json.key("dense_columns")
        json.strings(layout.columns.columnNames)
        if layout.columns.sparse > 0 {
            json.key("sparse")
            sparse(layout.columns.sparse, &json)
        }
        json.member("mode", layout.isAsKnown ? "as_known" : "event_time")
        json.key("keys")
        file("keys.npy", layout.keyName, &json)
        json.key("times")
        file("times.npy", layout.timeName, &json)
        json.key("statuses")
        json.beginObject()
        for status in FeatureStatus.allCases {
            json.key(named: status.description)
            json.int(Int64(status.rawValue))
        }
        json.endObject()
        json.key("columns")
        json.beginArray()
        for (column, name) in zip(layout.passed, columns) { file(name, column.name, &json) }
        json.endArray()
        list("features", layout.features, layout.columns.parts, &json)
        list("labels", layout.labels, nil, &json)
        json.endObject()
        return json.bytes
    }

    private static func file(_ path: String, _ name: String, _ json: inout JSONWriter) {
        json.beginObject()
        json.member("name", name)
        json.member("file", path)
        json.endObject()
    }

    private static func list(
        _ key: String, _ features: [OutputLayout.Feature], _ parts: [VectorColumns.Part]?, _ json: inout JSONWriter
    ) {
        json.key(named: key)
        json.beginArray()
        var labelColumn = 0
        for (i, feature) in features.enumerated() {
            json.beginObject()
            json.member("name", feature.name)
            json.member("type", feature.type.description)
            if let part = parts?.first(where: { $0.feature == i }) {
                columns(part, &json)
            } else if feature.type.isNumber || feature.type == .bool {
                json.member("layout", "dense")
                json.member("file", "labels.npy")
                json.member("column", labelColumn)
                labelColumn += 1
            } else {
                files(feature, &json)
            }
            if parts != nil { json.member("status_column", i) }
            json.endObject()
        }
        json.endArray()
    }

    /// Of a feature that is columns of `values.npy`, or of the sparse matrix.
    private static func columns(_ part: VectorColumns.Part, _ json: inout JSONWriter) {
        json.member("layout", part.isSparse ? "sparse" : "dense")
        if !part.isSparse { json.member("file", "values.npy") }
        json.member("column", part.offset)
        json.member("dimension", part.dimension)
        if let words = part.keyWords {
            json.key("vocabulary")
            json.strings(words)
        }
    }

    /// Of a feature that has files of its own.
    private static func files(_ feature: OutputLayout.Feature, _ json: inout JSONWriter) {
        let (layout, parts): (String, [String]) =
            switch feature.type {
            case .list(.string): ("list", ["indptr", "data", "vocabulary"])
            case .list: ("list", ["indptr", "data"])
            case .map: ("csr", ["indptr", "indices", "data", "vocabulary"])
            case .ranking: ("ranking", ["indptr", "indices", "data", "shares", "vocabulary"])
            case .string, .bool, .int, .double, .decimal: ("codes", ["codes", "vocabulary"])
            }
        json.member("layout", layout)
        for part in parts {
            json.key(named: part)
            json.string("\(feature.name).\(part)\(part == "vocabulary" ? ".json" : ".npy")")
        }
    }

    private static func sparse(_ dimension: Int, _ json: inout JSONWriter) {
        json.beginObject()
        json.member("dimension", dimension)
        for part in ["indptr", "indices", "data"] {
            json.key(named: part)
            json.string("\(sparseName).\(part).npy")
        }
        json.endObject()
    }

    /// No feature and no label has a name with a point.
    static let sparseName = "values.sparse"
}
