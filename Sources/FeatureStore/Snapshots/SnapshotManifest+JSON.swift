internal import JSONBytes

/// The manifest's text. People read it too: one member a line is what `jq` is for.
extension SnapshotManifest {
    func json() -> [UInt8] {
        var json = JSONWriter(reservingBytes: 4096)
        json.beginObject()
        json.member("format", Int(SnapshotBlock.formatVersion))
        json.member("snapshot", id.hexadecimal)
        json.member("program", program)
        json.member("began_us", began)
        json.member("ended_us", ended)
        for (key, names) in [("streams" as StaticString, streams), ("views", views)] {
            json.key(key)
            json.beginObject()
            for (name, fingerprint) in names {
                json.key(named: name)
                json.string(hexadecimal(fingerprint))
            }
            json.endObject()
        }
        json.key("partitions")
        json.beginObject()
        for (topic, count) in partitions {
            json.key(named: topic)
            json.int(Int64(count))
        }
        json.endObject()
        json.key("shards")
        json.beginArray()
        for shard in shards {
            json.beginObject()
            json.member("shard", shard.number)
            json.member("file", shard.file)
            json.member("taken_us", shard.taken)
            json.member("rows", shard.rows)
            json.member("entries", shard.entries)
            json.member("data_bytes", shard.dataBytes)
            json.member("file_bytes", shard.fileBytes)
            json.member("blocks", shard.blocks)
            json.member("checksum", hexadecimal(shard.checksum))
            json.key("positions")
            json.beginArray()
            for position in shard.positions {
                json.beginObject()
                json.member("topic", position.topic)
                json.member("offset", position.offset)
                json.member("newest_record_us", position.newestRecord)
                json.endObject()
            }
            json.endArray()
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return json.bytes + [UInt8(ascii: "\n")]
    }

    /// The checksum was right, so a fault here is another format's, or no manifest at all.
    static func parse(_ text: [UInt8], file: String) throws(SnapshotError) -> SnapshotManifest {
        var manifest = SnapshotManifest(
            id: [], program: "", began: 0, ended: 0, streams: [], views: [], partitions: [], shards: [])
        var format: Int64 = 0
        do {
            try text.withUnsafeBytes { bytes in
                var reader = JSONReader(bytes)
                try reader.beginObject()
                while let key = try reader.nextKey() {
                    if key == "format" { format = try integer(&reader) }
                    else if key == "snapshot" { manifest.id = try [UInt8](hexadecimal: string(&reader)) ?? [] }
                    else if key == "program" { manifest.program = try string(&reader) }
                    else if key == "began_us" { manifest.began = try integer(&reader) }
                    else if key == "ended_us" { manifest.ended = try integer(&reader) }
                    else if key == "streams" { manifest.streams = try names(&reader) }
                    else if key == "views" { manifest.views = try names(&reader) }
                    else if key == "partitions" {
                        try members(&reader) { name, reader in
                            manifest.partitions.append((name, Int(try integer(&reader))))
                        }
                    } else if key == "shards" {
                        try reader.beginArray()
                        while try reader.nextElement() { manifest.shards.append(try shard(&reader)) }
                    } else { try reader.skipValue() }
                }
                try reader.finish()
            }
        } catch {
            throw .damaged("the manifest cannot be read (\(error))", file: file, offset: 0)
        }
        guard format == Int64(SnapshotBlock.formatVersion) else {
            throw .refused("\(file): the snapshot has format \(format), this program reads format \(SnapshotBlock.formatVersion). Use the program that wrote it (\(manifest.program)).")
        }
        guard manifest.id.count == 16, Set(manifest.shards.map(\.number)).count == manifest.shards.count else {
            throw .damaged("the manifest contradicts itself", file: file, offset: 0)
        }
        return manifest
    }

    private struct Mistyped: Error {}

    private static func string(_ reader: inout JSONReader) throws -> String {
        guard let text = try reader.readString().text() else { throw Mistyped() }
        return text
    }

    private static func integer(_ reader: inout JSONReader) throws -> Int64 {
        guard let value = JSONNumber.parseInt64(try reader.readNumber()).value else { throw Mistyped() }
        return value
    }

    private static func natural(_ reader: inout JSONReader) throws -> Int {
        let value = try integer(&reader)
        guard value >= 0 else { throw Mistyped() }
        return Int(value)
    }

    private static func hash(_ reader: inout JSONReader) throws -> UInt64 {
        guard let value = UInt64(try string(&reader), radix: 16) else { throw Mistyped() }
        return value
    }

    private static func members(_ reader: inout JSONReader, _ body: (String, inout JSONReader) throws -> Void) throws {
        try reader.beginObject()
        while let key = try reader.nextKey() {
            guard let name = key.text() else { throw Mistyped() }
            try body(name, &reader)
        }
    }

    private static func names(_ reader: inout JSONReader) throws -> [(name: String, fingerprint: UInt64)] {
        var found: [(name: String, fingerprint: UInt64)] = []
        try members(&reader) { name, reader in found.append((name, try hash(&reader))) }
        return found
    }

    private static func shard(_ reader: inout JSONReader) throws -> Shard {
        var shard = Shard(
            number: -1, taken: 0, rows: 0, entries: 0, dataBytes: 0, fileBytes: 0, blocks: 0, checksum: 0, positions: [])
        try reader.beginObject()
        while let key = try reader.nextKey() {
            if key == "shard" { shard.number = try natural(&reader) }
            else if key == "taken_us" { shard.taken = try integer(&reader) }
            else if key == "rows" { shard.rows = try natural(&reader) }
            else if key == "entries" { shard.entries = try natural(&reader) }
            else if key == "data_bytes" { shard.dataBytes = try natural(&reader) }
            else if key == "file_bytes" { shard.fileBytes = try natural(&reader) }
            else if key == "blocks" { shard.blocks = try natural(&reader) }
            else if key == "checksum" { shard.checksum = try hash(&reader) }
            else if key == "positions" {
                try reader.beginArray()
                while try reader.nextElement() { shard.positions.append(try position(&reader)) }
            } else { try reader.skipValue() }
        }
        guard shard.number >= 0 else { throw Mistyped() }
        return shard
    }

    private static func position(_ reader: inout JSONReader) throws -> Position {
        var position = Position(topic: "", offset: 0, newestRecord: 0)
        try reader.beginObject()
        while let key = try reader.nextKey() {
            if key == "topic" { position.topic = try string(&reader) }
            else if key == "offset" { position.offset = try integer(&reader) }
            else if key == "newest_record_us" { position.newestRecord = try integer(&reader) }
            else { try reader.skipValue() }
        }
        return position
    }
}
