/// A stream as far as it could be read.
struct ParsedStream {
    var definition: StreamDefinition
    /// Fields and keys that are named but could not be read.
    var broken: Set<String> = []
    var place: SourcePlace
    /// Where `retracts` names its stream.
    var retractsPlace: SourcePlace?
}

/// `entities:` and `streams:`.
extension DefinitionLoader {
    func readStreams(_ node: YAMLNode?) {
        guard let node, let entries = entries(node, "streams") else { return }
        for entry in entries {
            guard isName(entry.key, "stream name", entry.keyPlace), let stream = readStream(entry) else {
                brokenStreams.insert(entry.key)
                continue
            }
            check(stream)
            streams.append(stream)
        }
        for stream in streams { checkRetraction(stream) }
    }

    private func readStream(_ entry: YAMLNode.Entry) -> ParsedStream? {
        let label = "stream `\(entry.key)`"
        let keys = [
            "topic", "dead_letter_topic", "format", "keys", "time", "id", "allowed_lateness", "max_clock_skew", "max_ids_per_row",
            "partitioner", "partitioned", "fields", "retracts", "volume",
        ] + Self.classificationKeys
        guard let section = section(entry.value, label, keys: keys) else { return nil }
        var stream = StreamDefinition(
            name: entry.key, topic: "", keys: [], time: EventTime(path: nil, format: .kafka), fields: [])
        var parsed = ParsedStream(definition: stream, place: entry.keyPlace)
        stream.classification = readClassification(section)
        _ = required(section, "topic", "add `topic: ...`, the Kafka topic")
        readTopics(section, label, into: &stream)
        if let node = section["format"], let format = format(node) { stream.format = format }
        if let node = required(section, "keys", "add `keys: {customer: customer_id}`: which field holds which entity's key") {
            (stream.keys, parsed.broken) = readKeys(node, label)
        } else {
            parsed.broken = Set(entities.map(\.name))
        }
        if let node = required(section, "time", "add `time: {path: event_time, format: epoch_ms}`") {
            stream.time = time(node, isProtobuf: stream.format != .json, label) ?? stream.time
        }
        if let node = section["id"] { stream.idPath = path(node, "id") }
        let longest = Microseconds.days(400)
        if let node = section["allowed_lateness"] { stream.allowedLateness = duration(node, "allowed_lateness", in: 0...longest) ?? 0 }
        if let node = section["max_clock_skew"] { stream.maxClockSkew = duration(node, "max_clock_skew", in: 0...longest) ?? 0 }
        if let node = section["max_ids_per_row"] {
            stream.maxIDsPerRow = integer(node, "max_ids_per_row", in: 1...1_000_000) ?? stream.maxIDsPerRow
        }
        if let node = section["partitioner"] { stream.partitioner = choice(node, "partitioner", Partitioner.self) ?? stream.partitioner }
        if let node = section["partitioned"] { stream.partitioned = bool(node, "partitioned") ?? true }
        if let node = section["volume"] { stream.volume = readVolume(node, label) }
        if let node = section["fields"] { readFields(node, label, into: &stream.fields, broken: &parsed.broken) }
        parsed.definition = stream
        if let node = section["retracts"] { readRetraction(node, label, into: &parsed) }
        return parsed
    }

    func readTopics(_ section: Section, _ label: String, into stream: inout StreamDefinition) {
        if let node = section["topic"] { stream.topic = topic(node, "topic") ?? "" }
        guard let node = section["dead_letter_topic"] else { return }
        stream.deadLetterTopic = topic(node, "dead_letter_topic")
        if stream.deadLetterTopic == stream.topic {
            fault(node.place, "the dead-letter topic of \(label) is its own topic", "name another topic, such as `\(stream.topic).dead`")
        }
    }

    func topic(_ node: YAMLNode, _ label: String) -> String? {
        guard let text = string(node, label) else { return nil }
        let allowed = text.utf8.allSatisfy { c in
            (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) || c == 0x2e || c == 0x5f || c == 0x2d
        }
        guard allowed, text.utf8.count <= 249, text != ".", text != ".." else {
            fault(node.place, "`\(text)` is not a Kafka topic name", "use letters, digits, `.`, `_` and `-`, at most 249 characters")
            return nil
        }
        return text
    }

    private func format(_ node: YAMLNode) -> EventFormat? {
        let remedy = "write `json`, or {protobuf: {descriptor_set: shop.binpb, message: shop.v1.Click, framing: plain}}"
        if case .scalar(let text, _) = node.content {
            if text == "json" { return .json }
            fault(node.place, "format cannot be \(node.shown)", remedy)
            return nil
        }
        guard let outer = section(node, "format", keys: ["protobuf"]), let inner = required(outer, "protobuf", remedy),
            let section = section(inner, "protobuf", keys: ["descriptor_set", "message", "framing"])
        else { return nil }
        let set = required(section, "descriptor_set", "add the file that `protoc --include_imports --descriptor_set_out=...` made")
        let message = required(section, "message", "add `message: ...`, the full name of the message, such as shop.v1.Click")
        let framing = section["framing"].map { choice($0, "framing", ProtobufFormat.Framing.self) ?? .plain }
        guard let set = set.flatMap({ string($0, "descriptor_set") }), let message = message.flatMap({ string($0, "message") }) else { return nil }
        return .protobuf(ProtobufFormat(descriptorSet: resolve(set), message: message, framing: framing ?? .plain))
    }

    private func readKeys(_ node: YAMLNode, _ label: String) -> (keys: [EntityKey], broken: Set<String>) {
        var keys: [EntityKey] = [], broken: Set<String> = []
        guard let entries = entries(node, "keys of \(label)") else { return ([], Set(entities.map(\.name))) }
        if entries.isEmpty { fault(node.place, "\(label) has no keys", "add `keys: {customer: customer_id}`") }
        for entry in entries {
            guard entities.contains(where: { $0.name == entry.key }) else {
                fault(
                    entry.keyPlace, "there is no entity `\(entry.key)`",
                    NearestName.remedy(entry.key, in: entities.map(\.name), what: "entity; add it under `entities:`"))
                // Which entity was meant is open.
                broken.formUnion(entities.map(\.name))
                continue
            }
            if isSingleton(entry.key) {
                fault(entry.keyPlace, "`\(entry.key)` is a singleton, which every event describes", "remove it: its views need no key")
                continue
            }
            guard let path = path(entry.value, "key") else {
                broken.insert(entry.key)
                continue
            }
            keys.append(EntityKey(entity: entry.key, path: path))
        }
        return (keys, broken)
    }

    func time(_ node: YAMLNode, isProtobuf: Bool, _ label: String) -> EventTime? {
        guard let section = section(node, "time of \(label)", keys: ["path", "format"]),
            let formatNode = required(section, "format", "one of: \(EventTime.Format.allCases.map(\.rawValue).joined(separator: ", "))"),
            let format = choice(formatNode, "format", EventTime.Format.self)
        else { return nil }
        if format == .kafka {
            if let node = section["path"] { fault(node.place, "the time format `kafka` has no path", "remove `path`: the record's own timestamp is taken") }
            return EventTime(path: nil, format: format)
        }
        if format == .protobufTimestamp, !isProtobuf {
            fault(formatNode.place, "`protobuf_timestamp` needs a Protobuf stream, and \(label) is JSON", "use rfc3339 or epoch_ms")
        }
        guard let pathNode = required(section, "path", "add `path: event_time`, or use the format `kafka`"), let path = path(pathNode, "path")
        else { return nil }
        return EventTime(path: path, format: format)
    }

    private func readFields(_ node: YAMLNode, _ label: String, into fields: inout [FieldDefinition], broken: inout Set<String>) {
        guard let entries = entries(node, "fields of \(label)") else { return }
        for entry in entries {
            guard isName(entry.key, "field name", entry.keyPlace), let field = readField(entry) else {
                broken.insert(entry.key)
                continue
            }
            fields.append(field)
        }
    }

    private func readField(_ entry: YAMLNode.Entry) -> FieldDefinition? {
        if case .scalar = entry.value.content {
            return fieldType(entry.value, scale: nil, dimension: nil).map { FieldDefinition(name: entry.key, type: $0) }
        }
        let label = "field `\(entry.key)`"
        guard let section = section(entry.value, label, keys: ["type", "path", "scale", "dimension", "expect"]) else { return nil }
        let path = section["path"].map { (self.path($0, "path"), true) }
        guard let node = required(section, "type", "one of: string, bool, int64, decimal, vector"),
            let type = fieldType(node, scale: section["scale"], dimension: section["dimension"])
        else { return nil }
        if let path, path.0 == nil { return nil }
        var field = FieldDefinition(name: entry.key, path: path?.0, type: type)
        field.expectation = section["expect"].flatMap { readExpectation($0, of: field) }
        return field
    }

    func fieldType(_ node: YAMLNode, scale: YAMLNode?, dimension: YAMLNode?) -> FieldType? {
        let types: [String: FieldType] = ["string": .string, "bool": .bool, "int64": .int64, "decimal": .decimal(scale: 6), "vector": .vector(dimension: 0, scale: 6)]
        guard case .scalar(let text, _) = node.content, let type = types[text] else {
            var remedy = "one of: string, bool, int64, decimal, vector"
            if case .scalar(let text, _) = node.content {
                switch text {
                case "int", "integer", "long", "int32", "uint32", "uint64": remedy = "write `int64`; " + remedy
                case "float", "double", "number", "money": remedy = "write `decimal`, which is exact, with `scale:` digits; " + remedy
                case "boolean": remedy = "write `bool`; " + remedy
                case "array", "list", "embedding": remedy = "write `vector`, with `dimension:` elements; " + remedy
                case "text", "str", "enum": remedy = "write `string`; " + remedy
                default: if let near = NearestName.of(text, in: types.keys.sorted()) { remedy = "did you mean `\(near)`? " + remedy }
                }
            }
            fault(node.place, "a field's type cannot be \(node.shown)", remedy)
            return nil
        }
        var digits = 6
        if let scale {
            guard type.hasScale else {
                fault(scale.place, "only decimals and vectors have a scale", "remove `scale`, or use the type decimal")
                return nil
            }
            guard let given = integer(scale, "scale", in: 0...9, remedy: "use 0...9 digits after the point") else { return nil }
            digits = given
        }
        guard type.dimension != nil else {
            if let dimension {
                fault(dimension.place, "only vectors have a dimension", "remove `dimension`, or use the type vector")
                return nil
            }
            return scale == nil ? type : .decimal(scale: digits)
        }
        guard let dimension else {
            fault(node.place, "a vector has no `dimension`", "write {type: vector, dimension: 64}")
            return nil
        }
        return integer(dimension, "dimension", in: 1...1024).map { .vector(dimension: $0, scale: digits) }
    }

    /// A stream against those before it.
    func check(_ stream: ParsedStream) {
        let new = stream.definition
        for before in streams.map(\.definition) {
            if !new.topic.isEmpty, before.topic == new.topic {
                fault(stream.place, "the streams `\(before.name)` and `\(new.name)` read the same topic `\(new.topic)`", "give each topic one stream, and use `where` in its views")
            }
            if let topic = new.deadLetterTopic, topic == before.topic {
                fault(stream.place, "the dead-letter topic of stream `\(new.name)` is the topic of `\(before.name)`", "name another topic")
            }
            if let topic = before.deadLetterTopic, topic == new.topic {
                fault(stream.place, "stream `\(new.name)` reads the dead-letter topic of `\(before.name)`", "name another topic")
            }
            if let key = new.keys.first, key.entity == before.keys.first?.entity, new.partitioned, before.partitioned,
                new.partitioner != before.partitioner
            {
                fault(
                    stream.place,
                    "stream `\(new.name)` is partitioned by \(key.entity) with \(new.partitioner.rawValue), and `\(before.name)` with \(before.partitioner.rawValue)",
                    "let both producers use one partitioner, so that a \(key.entity) is in one shard; or set `partitioned: false` on one")
            }
        }
    }
}

extension FieldType {
    fileprivate var hasScale: Bool {
        switch self {
        case .decimal, .vector: true
        case .string, .bool, .int64, .double, .doubles: false
        }
    }
}
