internal import FeatureStore
internal import JSONBytes

extension JSONWriter {
    /// What a service's packed answers are: the schema, whose features their statuses are of, and the columns by name.
    mutating func packed(_ columns: VectorColumns) {
        beginObject()
        member("schema", hexadecimal(columns.fingerprint))
        key("features")
        strings(columns.parts.lazy.map(\.name))
        key("columns")
        strings(columns.columnNames)
        key("sparse")
        if columns.sparse == 0 {
            null()
        } else {
            beginObject()
            member("dimension", columns.sparse)
            key("features")
            beginArray()
            for part in columns.parts where part.isSparse { sparse(part) }
            endArray()
            endObject()
        }
        endObject()
    }

    private mutating func sparse(_ part: VectorColumns.Part) {
        beginObject()
        member("name", part.name)
        member("offset", part.offset)
        member("dimension", part.dimension)
        key("vocabulary")
        if let words = part.keyWords { strings(words) } else { null() }
        endObject()
    }
}
