/// `pushed:`. Each entry becomes a stream, a view of the last values of its fields and, unless one is declared, a service of all of them.
extension DefinitionLoader {
    func readPushed(_ node: YAMLNode?) {
        guard let node, let entries = entries(node, "pushed") else { return }
        for entry in entries where isName(entry.key, "name of pushed features", entry.keyPlace) {
            if streams.contains(where: { $0.definition.name == entry.key }) || views.contains(where: { $0.name == entry.key }) {
                fault(entry.keyPlace, "`\(entry.key)` is a stream or a view already", "choose another name: pushed features make a stream and a view of theirs")
            } else if !readPushed(entry) {
                features.isIncomplete = true
            }
        }
    }

    /// False when a fault leaves open which features there are.
    private func readPushed(_ entry: YAMLNode.Entry) -> Bool {
        let label = "pushed `\(entry.key)`"
        let keys = [
            "entity", "topic", "dead_letter_topic", "key", "time", "ttl", "history", "max_clock_skew", "partitioner", "features", "description",
        ] + Self.classificationKeys
        guard let section = section(entry.value, label, keys: keys),
            let entity = required(section, "entity", "add `entity: customer`").flatMap({ knownEntity($0) }),
            let list = required(section, "features", "add features, such as `score: double`").flatMap({ self.entries($0, "features of \(label)") })
        else { return false }
        if entities.contains(where: { $0.name == entity && $0.isSingleton }) {
            fault(section["entity"]?.place ?? section.place, "`\(entity)` is a singleton, and has no keys to push values for", "push to an entity with keys")
            return false
        }
        if list.isEmpty { fault(section.place, "\(label) has no features", "add one, such as `score: double`") }
        var stream = StreamDefinition(
            name: entry.key, topic: entry.key, keys: [EntityKey(entity: entity, path: FieldPath(entity))],
            time: EventTime(path: FieldPath("event_time"), format: .epochMicroseconds), fields: [])
        readTopics(section, label, into: &stream)
        if let node = section["key"], let path = path(node, "key") {
            if path.parts.count > 1 { fault(node.place, "the key of \(label) is inside an object", "use one name: records are flat") }
            stream.keys[0].path = path
        }
        if let node = section["time"], let time = pushedTime(node, label) { stream.time = time }
        if let node = section["max_clock_skew"] { stream.maxClockSkew = duration(node, "max_clock_skew", in: 0 ... .days(400)) ?? 0 }
        if let node = section["partitioner"] { stream.partitioner = choice(node, "partitioner", Partitioner.self) ?? stream.partitioner }
        var view = ViewDefinition(name: entry.key, entity: entity, stream: entry.key, isPushed: true, features: [])
        view.classification = readClassification(section)
        if let node = section["history"] { view.history = duration(node, "history", in: 0 ... .days(3650)) ?? 0 }
        let ttl = section["ttl"].flatMap { duration($0, "ttl", in: .seconds(1) ... .days(36_500)) }
        let taken = [stream.keys[0].path.description, stream.time.path?.description]
        var isComplete = true
        for feature in list {
            if taken.contains(feature.key) {
                fault(feature.keyPlace, "`\(feature.key)` is the key or the time of \(label)", "rename the feature, or name `key:` or `time:`")
                isComplete = false
                continue
            }
            guard let (field, definition) = readPushedFeature(feature, entity, stream, ttl: ttl) else {
                isComplete = false
                continue
            }
            stream.fields.append(field)
            view.features.append(definition)
        }
        let parsed = ParsedStream(definition: stream, place: entry.keyPlace)
        check(parsed)
        streams.append(parsed)
        views.append(view)
        pushed.append(PushedDefinition(name: entry.key, entity: entity, description: text(section["description"], "description")))
        return isComplete
    }

    /// The newest value wins, by a time that its record says.
    private func pushedTime(_ node: YAMLNode, _ label: String) -> EventTime? {
        guard let time = time(node, isProtobuf: false, label) else { return nil }
        if time.format == .kafka {
            fault(node.place, "the time of \(label) cannot be kafka", "name a field: the newest value wins, also when it is produced again later")
            return nil
        }
        if let path = time.path, path.parts.count > 1 {
            fault(node.place, "the time of \(label) is inside an object", "use one name: records are flat")
            return nil
        }
        return time
    }

    private func readPushedFeature(
        _ entry: YAMLNode.Entry, _ entity: String, _ stream: StreamDefinition, ttl: Microseconds?
    ) -> (FieldDefinition, FeatureDefinition)? {
        let label = "feature `\(entry.key)`"
        guard isName(entry.key, "feature name", entry.keyPlace) else { return nil }
        if let before = features.entry(entry.key, of: entity) {
            fault(entry.keyPlace, "the feature `\(entry.key)` of \(entity) is defined twice", "rename one; the other is on line \(before.place.line)")
            return nil
        }
        features.add(entry.key, .init(entity: entity, type: nil, place: entry.keyPlace))
        var feature = FeatureDefinition(name: entry.key, aggregation: .last(field: entry.key), window: .lifetime, ttl: ttl)
        var field: FieldDefinition
        var defaultNode: YAMLNode?
        if case .scalar = entry.value.content {
            guard let type = pushedType(entry.value, scale: nil, dimension: nil) else { return nil }
            field = FieldDefinition(name: entry.key, type: type)
        } else {
            let keys = ["type", "scale", "dimension", "max_size", "default", "ttl", "description"] + Self.classificationKeys
            guard let section = section(entry.value, label, keys: keys),
                let node = required(section, "type", "one of: \(Self.pushedTypes)"),
                let type = pushedType(node, scale: section["scale"], dimension: section["dimension"])
            else { return nil }
            field = FieldDefinition(name: entry.key, type: type)
            if let node = section["max_size"] {
                if type == .string {
                    field.maxBytes = size(node, "max_size", in: 1...Self.maxPushedBytes) ?? field.maxBytes
                } else {
                    fault(node.place, "only strings have a `max_size`", "remove it")
                }
            }
            if let node = section["ttl"] { feature.ttl = duration(node, "ttl", in: .seconds(1) ... .days(36_500)) }
            feature.classification = readClassification(section)
            feature.description = text(section["description"], "description")
            defaultNode = section["default"]
        }
        var source = stream
        source.fields = [field]
        let type = Definitions.featureType(of: feature, in: source)
        features.set(type, of: entry.key, entity: entity)
        if let defaultNode { feature.defaultValue = defaultValue(defaultNode, type, label) }
        return (field, feature)
    }

    private static let pushedTypes = "string, bool, int64, double, decimal, vector"
    /// Of a string: rows hold its length in 16 bits.
    private static let maxPushedBytes = 60 << 10

    /// A vector without a scale is one of doubles, as embeddings are.
    private func pushedType(_ node: YAMLNode, scale: YAMLNode?, dimension: YAMLNode?) -> FieldType? {
        guard case .scalar(let text, _) = node.content else {
            fault(node.place, "a feature's type cannot be \(node.shown)", "one of: \(Self.pushedTypes)")
            return nil
        }
        switch text {
        case "float", "float64", "float32", "number":
            fault(node.place, "a feature's type cannot be `\(text)`", "write `double`; one of: \(Self.pushedTypes)")
            return nil
        case "bytes", "blob":
            fault(node.place, "a feature's type cannot be `\(text)`", "write {type: string, max_size: 16KiB} and push it in base64")
            return nil
        case "double":
            if let extra = scale ?? dimension {
                fault(extra.place, "a double has no scale and no dimension", "remove it, or use the type decimal or vector")
                return nil
            }
            return .double
        default:
            guard let type = fieldType(node, scale: scale, dimension: dimension) else { return nil }
            if case .vector(let dimension, _) = type, scale == nil { return .doubles(dimension: dimension) }
            return type
        }
    }

    /// A pushed view without a service of its name gets one of all its features.
    func addPushedServices() {
        for definition in pushed where !services.contains(where: { $0.name == definition.name }) {
            let features = views.first { $0.name == definition.name }?.features.map(\.name) ?? []
            services.append(ServiceDefinition(
                name: definition.name, entity: definition.entity, features: features, description: definition.description))
        }
    }
}
