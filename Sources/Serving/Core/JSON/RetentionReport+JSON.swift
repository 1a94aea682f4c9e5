public import FeatureStore
public import JSONBytes

extension RetentionReport: JSONWritable {
    public func write(to json: inout JSONWriter) {
        func milliseconds(_ value: Microseconds?) { if let value { json.decimal(units: Int128(value), scale: 3) } else { json.null() } }
        json.beginObject()
        json.key("time")
        json.time(time)
        json.key("kept")
        json.bool(isKept)
        json.member("shards", shards)
        json.member("rows", rows)
        json.member("damaged_rows", damaged)
        json.key("parts")
        json.beginArray()
        for part in parts {
            json.beginObject()
            json.member("entity", part.entity)
            json.member("kind", part.kind.rawValue)
            json.member("name", part.name)
            json.key("declared_ms")
            milliseconds(part.declared)
            json.member("rows", part.rows)
            json.key("oldest")
            if let oldest = part.oldest { json.time(oldest) } else { json.null() }
            json.key("longest_ms")
            milliseconds(part.longest)
            json.member("violations", part.violations)
            json.member("prunable_rows", part.prunable)
            json.endObject()
        }
        json.endArray()
        json.key("ages")
        json.beginArray()
        for ages in ages {
            json.beginObject()
            json.member("entity", ages.entity)
            json.key("rows")
            json.beginArray()
            for (i, count) in ages.rows.enumerated() {
                json.beginObject()
                json.key("newest_event_within_ms")
                milliseconds(i < Ages.bounds.count ? Ages.bounds[i] : nil)
                json.member("rows", count)
                json.endObject()
            }
            json.endArray()
            json.endObject()
        }
        json.endArray()
        json.endObject()
    }
}
