public import FeatureStore
public import JSONBytes

extension Explanation: JSONWritable {
    /// As docs/EXPLAIN.md describes it.
    public func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("entity", entity)
        json.member("key", key)
        json.key("service")
        json.optional(service) { $0.string($1) }
        json.key("version")
        json.optional(version) { $0.int(Int64($1)) }
        json.key("as_of")
        json.time(asOf)
        json.key("found")
        json.bool(found)
        json.key("feature")
        json.feature(features[0])
        json.key("inputs")
        json.array(features.dropFirst()) { $0.feature($1) }
        json.key("shards")
        json.array(shards) { $0.shard($1) }
        json.endObject()
    }
}

extension JSONWriter {
    private mutating func result(_ value: FeatureValue) {
        key("value")
        self.value(value.value)
        member("status", value.status.description)
        time("newest_event_time", value.newestEventTime)
    }

    fileprivate mutating func feature(_ feature: Explanation.Feature) {
        beginObject()
        member("name", feature.name)
        member("type", feature.type.description)
        result(feature.value)
        member("reason", feature.reason)
        key("default")
        optional(feature.defaultValue) { $0.value($1) }
        milliseconds("ttl_ms", feature.ttl)
        switch feature.origin {
        case .derived(let expression, let inputs):
            key("derived")
            beginObject()
            member("expression", expression)
            key("inputs")
            strings(inputs)
            endObject()
        case .input:
            key("input")
            bool(true)
        case .view(let origin):
            key("view")
            view(origin)
        }
        endObject()
    }

    private mutating func view(_ origin: Explanation.ViewOrigin) {
        beginObject()
        member("name", origin.view)
        member("stream", origin.stream)
        key("where")
        optional(origin.filter) { $0.string($1) }
        member("aggregation", origin.aggregation)
        member("in_words", origin.aggregationInWords)
        member("view_fingerprint", hexadecimal(origin.viewFingerprint))
        member("stream_fingerprint", hexadecimal(origin.streamFingerprint))
        milliseconds("history_ms", origin.history)
        key("window")
        beginObject()
        member("name", origin.window.name)
        time("left", origin.window.left)
        time("right", origin.window.right)
        milliseconds("hop_ms", origin.window.hop)
        member("bound", origin.window.bound)
        milliseconds("longer_by_ms", origin.window.excess)
        endObject()
        key("rows")
        array(origin.rows) { $0.row($1) }
        endObject()
    }

    fileprivate mutating func row(_ row: Explanation.RowPart) {
        beginObject()
        member("shard", row.shard)
        time("stream_newest_event_time", row.newest)
        time("id_floor", row.idFloor)
        member("remembered_ids", row.rememberedIDs)
        time("complete_since", row.since)
        result(row.value)
        key("is_window_kept")
        bool(row.isComplete)
        switch row.content {
        case .tiles(let tiles):
            key("tiles")
            array(tiles.contributing) { $0.tile($1) }
            key("left_out_tiles")
            array(tiles.leftOut) { $0.tile($1) }
            member("older_tiles", tiles.olderCount)
            member("newer_tiles", tiles.newerCount)
        case .entries(let entries):
            key("entries")
            array(entries) { json, entry in
                json.beginObject()
                json.time("time", entry.time)
                json.key("value")
                json.value(entry.value)
                json.endObject()
            }
        case .events(let events): self.events(events)
        }
        endObject()
    }

    fileprivate mutating func tile(_ tile: Explanation.Tile) {
        beginObject()
        time("start", tile.start)
        time("end", tile.end)
        key("partial")
        value(tile.partial)
        endObject()
    }

    private mutating func events(_ events: Explanation.Events) {
        key("events")
        array(events.events) { json, event in
            json.beginObject()
            json.time("time", event.time)
            json.member("id", hexadecimal(event.id))
            json.member("standing", event.standing.rawValue)
            json.key("fields")
            json.beginObject()
            for field in event.fields {
                json.key(named: field.name)
                json.value(field.value)
            }
            json.endObject()
            json.endObject()
        }
        member("older_events", events.olderCount)
        member("newer_events", events.newerCount)
        time("cut", events.cut)
        key("attribution")
        optional(events.attribution) { json, other in
            json.beginObject()
            json.member("stream", other.stream)
            json.milliseconds("within_ms", other.within)
            json.time("stream_newest_event_time", other.newest)
            json.member("kept_events", other.keptCount)
            json.time("cut", other.cut)
            json.endObject()
        }
    }

    fileprivate mutating func shard(_ shard: Explanation.ShardPart) {
        beginObject()
        member("shard", shard.status.shard)
        member("state", shard.status.state.rawValue)
        key("row_bytes")
        optional(shard.rowBytes) { $0.int(Int64($1)) }
        key("dropped")
        array(shard.drops) { json, drops in
            json.beginObject()
            json.member("stream", drops.stream)
            json.member("duplicate", drops.duplicate)
            json.member("late", drops.late)
            json.member("future", drops.future)
            json.endObject()
        }
        key("lag_events")
        optional(shard.status.lagEvents) { $0.int($1) }
        milliseconds("freshness_ms", shard.status.freshness)
        key("positions")
        positions(shard.status.positions)
        endObject()
    }
}
