public import FeatureStore
public import JSONBytes

/// `GetOnlineFeaturesResponse` of Feast: columns, the join keys first, then the features in the order of the request.
public struct FeastAnswer: Sendable {
    /// `FieldStatus` of Feast.
    public enum Status: UInt8, Sendable, CaseIterable {
        case present = 1, nullValue = 2, notFound = 3, outsideMaxAge = 4

        public init(_ feature: FeatureValue) {
            self = switch feature.status {
            case .present, .defaulted, .fallback: feature.value.isNull ? .nullValue : .present
            case .stale: .outsideMaxAge
            case .missing: .notFound
            case .overdue: feature.value.isNull ? .notFound : .present
            // There is a value, and not enough history to tell it.
            case .warming: .nullValue
            }
        }
    }

    public struct Column: Sendable {
        public var name: String
        /// Index in `lookups`, and of the feature in its vectors.
        var lookup: Int
        var feature: Int
    }

    public let keys: [(name: String, keys: [String])]
    public let columns: [Column]
    /// One per entity.
    let lookups: [LookupAnswer]
    /// The feature views that the request names; nil: they were not asked for.
    public let views: [String]?

    public var rowCount: Int { keys.first?.keys.count ?? 0 }

    public func value(_ column: Column, row: Int) -> FeatureValue { lookups[column.lookup].entries[row].vector.values[column.feature] }
}

extension FeastAnswer: JSONWritable {
    public func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("results")
        json.beginArray()
        for (_, column) in keys {
            json.column(column.count) { json, row in json.string(column[row]) } statuses: { _ in .present } times: { _ in nil }
        }
        for column in columns {
            json.column(rowCount) { json, row in json.feast(value(column, row: row).value)
            } statuses: { Status(value(column, row: $0)) } times: { value(column, row: $0).newestEventTime }
        }
        json.endArray()
        json.key("metadata")
        json.beginObject()
        json.key("feature_names")
        json.beginArray()
        for key in keys { json.string(key.name) }
        for column in columns { json.string(column.name) }
        json.endArray()
        if let views {
            json.key("feature_view_metadata")
            json.beginArray()
            for view in views {
                json.beginObject()
                json.member("name", view)
                json.endObject()
            }
            json.endArray()
        }
        json.endObject()
        json.endObject()
    }
}

extension JSONWriter {
    fileprivate mutating func column(
        _ count: Int, values: (inout JSONWriter, Int) -> Void, statuses: (Int) -> FeastAnswer.Status, times: (Int) -> Int64?
    ) {
        beginObject()
        key("values")
        beginArray()
        for row in 0..<count { values(&self, row) }
        endArray()
        key("statuses")
        beginArray()
        for row in 0..<count {
            switch statuses(row) {
            case .present: literal(string: "PRESENT")
            case .nullValue: literal(string: "NULL_VALUE")
            case .notFound: literal(string: "NOT_FOUND")
            case .outsideMaxAge: literal(string: "OUTSIDE_MAX_AGE")
            }
        }
        endArray()
        key("event_timestamps")
        beginArray()
        for row in 0..<count {
            if let newest = times(row) { time(newest) } else { literal(string: "1970-01-01T00:00:00Z") }
        }
        endArray()
        endObject()
    }

    /// Clients tell a value's type by its text: a decimal is a double to them, so it has a point, and what is empty has no type, so it is null.
    fileprivate mutating func feast(_ value: Value) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .int(let value): int(value)
        case .double(let value): double(value)
        case .decimal(let units, let scale):
            decimal(units: units, scale: scale, minimumPlaces: 1)
        case .string(let text): string(text)
        case .list(let elements):
            if elements.isEmpty { return null() }
            beginArray()
            for element in elements { feast(element) }
            endArray()
        case .map(let entries):
            if entries.isEmpty { return null() }
            beginObject()
            for entry in entries {
                key(named: entry.key)
                feast(entry.value)
            }
            endObject()
        }
    }
}
