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
        list("features", layout.features, numbers: "values.npy", hasStatus: true, &json)
        list("labels", layout.labels, numbers: "labels.npy", hasStatus: false, &json)
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
        _ key: String, _ features: [OutputLayout.Feature], numbers: String, hasStatus: Bool, _ json: inout JSONWriter
    ) {
        json.key(named: key)
        json.beginArray()
        var column: Int64 = 0
        for (i, feature) in features.enumerated() {
            json.beginObject()
            json.member("name", feature.name)
            json.member("type", feature.type.description)
            func ragged(_ layout: String, _ parts: [String]) {
                json.member("layout", layout)
                for part in parts {
                    json.key(named: part)
                    json.string("\(feature.name).\(part)\(part == "vocabulary" ? ".json" : ".npy")")
                }
            }
            switch feature.type {
            case .bool, .int, .double, .decimal:
                json.member("layout", "dense")
                json.member("file", numbers)
                json.key("column")
                json.int(column)
                column += 1
            case .string: ragged("codes", ["codes", "vocabulary"])
            case .list(let element):
                var ofTexts = false
                if case .string = element { ofTexts = true }
                ragged("list", ["indptr", "data"] + (ofTexts ? ["vocabulary"] : []))
            case .map: ragged("csr", ["indptr", "indices", "data", "vocabulary"])
            case .ranking: ragged("ranking", ["indptr", "indices", "data", "shares", "vocabulary"])
            }
            if hasStatus {
                json.key("status_column")
                json.int(Int64(i))
            }
            json.endObject()
        }
        json.endArray()
    }
}
