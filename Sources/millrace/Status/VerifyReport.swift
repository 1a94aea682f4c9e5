internal import FeatureStore
internal import Ingest
internal import JSONBytes
internal import Serving

/// The outcome of `millrace verify` as text and as JSON.
enum VerifyReport {
    static func text(_ outcome: Verification.Outcome) -> String {
        var lines: [String] = []
        for result in outcome.shards {
            let at = result.positions.map { "\($0.partition) \($0.offset)" }.joined(separator: ", ")
            lines.append("shard \(result.shard) at \(at.isEmpty ? "no position" : at): \(result.isEqual ? "equal" : "DIFFERENT")")
            for part in result.comparison.parts {
                let name = "\(part.kind) \(part.name) of \(part.entity)"
                if let reason = part.skipped {
                    lines.append("  \(name): not compared: \(reason)")
                } else if part.isEqual {
                    lines.append("  \(name): \(part.live.rows) rows, digest \(hexadecimal(part.live.hash))")
                } else {
                    lines.append("  \(name): live \(part.live.rows) rows, \(hexadecimal(part.live.hash)); rebuilt \(part.rebuilt.rows) rows, \(hexadecimal(part.rebuilt.hash))")
                }
            }
            for (partition, end) in result.short { lines.append("  \(partition): the log ends at offset \(end), before the live position") }
            for count in result.counts {
                lines.append("  events of \(count.stream) \(count.what): live \(count.live), rebuilt \(count.rebuilt)")
            }
            for difference in result.comparison.differences { lines += text(difference) }
            let hidden = result.comparison.differenceCount - result.comparison.differences.count
            if hidden > 0 { lines.append("  and \(hidden) more; --all lists them") }
        }
        let differing = outcome.shards.reduce(0) { $0 + $1.comparison.differenceCount }
        lines.append(outcome.isEqual
            ? "\(outcome.shards.count) shards compared: 0 differences" : "\(outcome.shards.count) shards compared: \(differing) sections of rows differ")
        return lines.joined(separator: "\n")
    }

    private static func text(_ difference: ShardComparison.Difference) -> [String] {
        let note = difference.note.isEmpty ? "" : ": \(difference.note)"
        var time = JSONWriter()
        time.time(difference.time)
        let at = time.text
        return ["  \(difference.entity) \(difference.key), \(difference.kind) \(difference.name)\(note)"]
            + difference.features.map { feature in
                "    \(feature.name) at \(at): live \(text(feature.live)), rebuilt \(text(feature.rebuilt))"
            }
    }

    private static func text(_ value: FeatureValue?) -> String {
        guard let value else { return "no row" }
        var output = JSONWriter()
        output.value(value.value)
        return "\(output.text) (\(value.status))"
    }

    // MARK: JSON

    static func json(_ outcome: Verification.Outcome) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("equal")
        writer.bool(outcome.isEqual)
        writer.key("shards")
        writer.beginArray()
        for result in outcome.shards { write(result, &writer) }
        writer.endArray()
        writer.endObject()
        return writer.text
    }

    private static func write(_ result: Verification.ShardResult, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("shard", result.shard)
        writer.key("equal")
        writer.bool(result.isEqual)
        list("positions", result.positions, &writer) { position, writer in
            writer.member("topic", position.partition.topic)
            writer.member("partition", position.partition.partition)
            writer.member("offset", position.offset)
        }
        list("short", result.short, &writer) { position, writer in
            writer.member("topic", position.partition.topic)
            writer.member("partition", position.partition.partition)
            writer.member("end", position.end)
        }
        list("parts", result.comparison.parts, &writer) { part, writer in
            writer.member("entity", part.entity)
            writer.member("kind", "\(part.kind)")
            writer.member("name", part.name)
            writer.key("equal")
            writer.bool(part.isEqual)
            if let reason = part.skipped { writer.member("skipped", reason) }
            for (name, digest) in [("live", part.live), ("rebuilt", part.rebuilt)] as [(StaticString, ShardComparison.Digest)] {
                writer.key(name)
                writer.beginObject()
                writer.member("rows", digest.rows)
                writer.member("digest", hexadecimal(digest.hash))
                writer.endObject()
            }
        }
        list("counts", result.counts, &writer) { count, writer in
            writer.member("stream", count.stream)
            writer.member("what", count.what)
            writer.member("live", Int64(clamping: count.live))
            writer.member("rebuilt", Int64(clamping: count.rebuilt))
        }
        writer.member("difference_count", result.comparison.differenceCount)
        list("differences", result.comparison.differences, &writer) { difference, writer in
            writer.member("entity", difference.entity)
            writer.member("key", difference.key)
            writer.member("kind", "\(difference.kind)")
            writer.member("name", difference.name)
            if !difference.note.isEmpty { writer.member("note", difference.note) }
            writer.member("time", difference.time)
            list("features", difference.features, &writer) { feature, writer in
                writer.member("name", feature.name)
                for (side, value) in [("live", feature.live), ("rebuilt", feature.rebuilt)] as [(StaticString, FeatureValue?)] {
                    writer.key(side)
                    guard let value else {
                        writer.null()
                        continue
                    }
                    writer.beginObject()
                    writer.key("value")
                    writer.value(value.value)
                    writer.member("status", "\(value.status)")
                    writer.endObject()
                }
            }
        }
        writer.endObject()
    }

    private static func list<Element>(
        _ name: StaticString, _ elements: [Element], _ writer: inout JSONWriter, _ body: (Element, inout JSONWriter) -> Void
    ) {
        writer.key(name)
        writer.beginArray()
        for element in elements {
            writer.beginObject()
            body(element, &writer)
            writer.endObject()
        }
        writer.endArray()
    }
}
