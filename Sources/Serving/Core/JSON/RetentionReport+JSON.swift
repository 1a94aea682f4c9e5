public import FeatureStore
public import JSONBytes

extension RetentionReport: JSONWritable {
    public func write(to json: inout JSONWriter) {
        json.beginObject()
        json.time("time", time)
        json.key("kept")
        json.bool(isKept)
        json.member("shards", shards)
        json.member("rows", rows)
        json.member("damaged_rows", damaged)
        json.key("parts")
        json.list(parts) { json, part in
            json.member("entity", part.entity)
            json.member("kind", part.kind.rawValue)
            json.member("name", part.name)
            json.milliseconds("declared_ms", part.declared)
            json.member("rows", part.rows)
            json.time("oldest", part.oldest)
            json.milliseconds("longest_ms", part.longest)
            json.member("violations", part.violations)
            json.member("prunable_rows", part.prunable)
        }
        json.key("ages")
        json.list(ages) { json, entity in
            json.member("entity", entity.entity)
            json.key("rows")
            json.list(entity.rows.indices) { json, i in
                json.milliseconds("newest_event_within_ms", i < Ages.bounds.count ? Ages.bounds[i] : nil)
                json.member("rows", entity.rows[i])
            }
        }
        json.endObject()
    }
}
