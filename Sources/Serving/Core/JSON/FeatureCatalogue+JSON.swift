internal import FeatureStore
public import JSONBytes

extension LookupService {
    /// `GET /v1/features`: what `millrace describe` prints, for programs.
    public func writeFeatures(to json: inout JSONWriter) {
        let definitions = source.definitions
        json.beginObject()
        json.member("name", definitions.name)
        json.key("entities")
        json.list(definitions.entities) { json, entity in
            json.member("name", entity.name)
            json.member("description", entity.description)
            json.key("singleton")
            json.bool(entity.isSingleton)
        }
        json.key("streams")
        json.list(definitions.streams) { json, stream in json.stream(stream) }
        json.key("features")
        json.list(catalogue.features) { json, feature in json.feature(feature, classifications) }
        json.key("inputs")
        json.list(definitions.inputs) { json, input in
            json.member("name", input.name)
            json.member("type", input.type.description)
            json.member("description", input.description)
            json.key("default")
            json.value(input.defaultValue ?? .null)
        }
        json.endObject()
    }

    /// `GET /v1/features/{entity}/{feature}`.
    public func writeFeature(_ name: String, of entity: String, to json: inout JSONWriter) throws(LookupProblem) {
        guard source.definitions.entities.contains(where: { $0.name == entity }) else {
            throw LookupProblem(.unknownEntity(entity, known: source.definitions.entities.map(\.name)), key: nil)
        }
        guard let feature = catalogue.feature(name, of: entity) else {
            throw LookupProblem(
                .unknownFeature, detail: "The entity \"\(entity)\" has no feature \"\(name.prefix(200))\".",
                remedy: LookupProblem.didYouMean(name, catalogue.features.filter { $0.entity == entity }.map(\.name)) + "GET /v1/features lists all of them.")
        }
        json.beginObject()
        json.feature(feature, classifications)
        json.endObject()
    }
}

extension JSONWriter {
    private mutating func optional<T>(_ name: StaticString, _ value: T?, _ write: (inout JSONWriter, T) -> Void) {
        key(name)
        optional(value, write)
    }

    private mutating func text(_ name: StaticString, _ text: String?) { optional(name, text) { $0.string($1) } }

    fileprivate mutating func stream(_ stream: StreamDefinition) {
        member("name", stream.name)
        member("topic", stream.topic)
        text("dead_letter_topic", stream.deadLetterTopic)
        switch stream.format {
        case .json: member("format", "json")
        case .protobuf(let format): member("format", "protobuf \(format.message)")
        }
        key("keys")
        list(stream.keys) { json, entry in
            json.member("entity", entry.entity)
            json.member("path", entry.path.description)
        }
        text("id", stream.idPath?.description)
        milliseconds("allowed_lateness_ms", stream.idPath == nil ? nil : stream.allowedLateness)
        milliseconds("max_clock_skew_ms", stream.maxClockSkew)
        key("partitioned")
        bool(stream.partitioned)
    }

    fileprivate mutating func feature(_ feature: FeatureCatalogue.Feature, _ classifications: FeatureClassifications) {
        member("name", feature.name)
        member("entity", feature.entity)
        member("type", feature.type.description)
        member("description", feature.description)
        classification(classifications[feature.entity, feature.name])
        key("default")
        value(feature.defaultValue ?? .null)
        switch feature.origin {
        case .view(let origin):
            member("kind", origin.isPushed ? "pushed" : "view")
            key("view")
            view(origin)
            key("derived")
            null()
        case .derived(let expression, let inputs):
            member("kind", "derived")
            key("view")
            null()
            key("derived")
            beginObject()
            member("expression", expression)
            key("inputs")
            strings(inputs)
            endObject()
        }
        key("used_by")
        beginObject()
        key("services")
        list(feature.services) { json, use in
            json.member("name", use.service)
            json.key("version")
            json.int(Int64(use.version))
            json.member("as", use.isFallback ? "fallback" : "value")
        }
        key("features")
        strings(feature.derived)
        endObject()
    }

    private mutating func view(_ origin: FeatureCatalogue.Aggregated) {
        beginObject()
        member("name", origin.view)
        member("stream", origin.stream)
        text("where", origin.filter)
        member("aggregation", origin.aggregation)
        member("in_words", origin.inWords)
        key("window")
        beginObject()
        member("name", origin.window.name)
        member("kind", origin.window.kind.rawValue)
        milliseconds("length_ms", origin.window.length)
        milliseconds("hop_ms", origin.window.hop)
        member("bound", origin.window.bound)
        endObject()
        milliseconds("ttl_ms", origin.ttl)
        milliseconds("history_ms", origin.history)
        switch origin.keep {
        case .tiles:
            member("keeps", "tiles")
            key("max_events")
            null()
        case .events(let max):
            member("keeps", "events")
            key("max_events")
            int(Int64(max))
        }
        optional("bytes", origin.bytes) { json, bytes in
            json.beginObject()
            json.member("tile", bytes.tile)
            json.member("sequences", bytes.sequence)
            json.optional("event", bytes.event) { $0.int(Int64($1)) }
            json.optional("attributed_event", bytes.attributedEvent) { $0.int(Int64($1)) }
            json.endObject()
        }
        endObject()
    }
}
