/// Every feature of the definitions with what there is to say of it: what `describe` prints, as plain values, for programs and the console.
public struct FeatureCatalogue: Sendable {
    public var features: [Feature]

    /// One feature of one entity. Features of different entities may have the same name.
    public struct Feature: Sendable {
        public var name: String
        public var entity: String
        public var type: ValueType
        public var description: String
        /// Nil: without a value it is null.
        public var defaultValue: Value?
        public var origin: Origin
        /// In the order of the definitions.
        public var services: [Use] = []
        /// Derived features of the same entity that name it in their expression.
        public var derived: [String] = []
    }

    public enum Origin: Sendable {
        case view(Aggregated)
        /// `inputs`: the features and the inputs of requests that the expression names.
        case derived(expression: String, inputs: [String])
    }

    public struct Aggregated: Sendable {
        public var view: String
        public var stream: String
        public var filter: String?
        /// As a call, and as a sentence for people who did not write the definitions.
        public var aggregation: String
        public var inWords: String
        public var window: WindowFacts
        public var ttl: Microseconds?
        public var history: Microseconds
        public var keep: ViewDefinition.Keep
        public var isPushed: Bool
        /// What the view costs in a row, all its features together.
        public var bytes: ViewBytes?
    }

    public struct WindowFacts: Sendable {
        /// As the feature's name has it, where it does: `24h`; `today, Europe/Berlin`; `lifetime`.
        public var name: String
        public var kind: Kind
        /// Nil of windows that are not of one length.
        public var length: Microseconds?
        /// The left edge is a multiple of it; nil: it is exact.
        public var hop: Microseconds?
        /// How much longer than its length the window may be, in words.
        public var bound: String

        public enum Kind: String, Sendable { case sliding, calendar, lifetime }
    }

    public struct Use: Sendable {
        public var service: String
        public var version: Int
        /// It takes the place of another entity's feature that has no value; else it is in the vector.
        public var isFallback: Bool
    }

    /// Of one entity's feature; nil: there is none.
    public func feature(_ name: String, of entity: String) -> Feature? { features.first { $0.name == name && $0.entity == entity } }
}

extension FeatureCatalogue {
    /// O(features × services); made once.
    public init(_ definitions: Definitions) {
        let catalog = Catalog(definitions)
        let bytes = Catalog.tileBytes(of: definitions)
        features = catalog.features.compactMap { entry in
            let entity = catalog.entities[entry.entity]
            let origin: Origin
            var description = ""
            switch entry.source {
            case .input: return nil
            case .view(let index, let feature):
                let view = entity.views[index].definition
                description = feature.description
                origin = .view(.init(
                    view: view.name, stream: view.stream, filter: view.filter, aggregation: feature.aggregation.description,
                    inWords: feature.aggregation.words, window: WindowFacts(feature, keepsEvents: view.keepsEvents), ttl: feature.ttl,
                    history: view.history, keep: view.keep, isPushed: view.isPushed, bytes: bytes(view)))
            case .derived(_, let inputs):
                let definition = definitions.derived.first { $0.name == entry.name && $0.entity == entity.name }
                description = definition?.description ?? ""
                origin = .derived(
                    expression: (definition?.expression ?? "").split { $0.isWhitespace }.joined(separator: " "),
                    inputs: inputs.map { catalog.features[$0].name })
            }
            return Feature(
                name: entry.name, entity: entity.name, type: entry.type, description: description, defaultValue: entry.defaultValue,
                origin: origin)
        }
        noteUses(definitions)
    }

    private mutating func noteUses(_ definitions: Definitions) {
        var places: [String: [String: Int]] = [:]
        for (index, feature) in features.enumerated() { places[feature.entity, default: [:]][feature.name] = index }
        for feature in features {
            guard case .derived(_, let inputs) = feature.origin else { continue }
            for input in inputs {
                if let place = places[feature.entity]?[input] { features[place].derived.append(feature.name) }
            }
        }
        for service in definitions.services {
            for name in service.features {
                if let place = places[service.entity]?[name] {
                    features[place].services.append(.init(service: service.name, version: service.version, isFallback: false))
                }
            }
            var seen: Set<Int> = []
            for (level, name) in service.served.sorted(by: { $0.key < $1.key }).flatMap({ $0.value.fallback.sorted { $0.key < $1.key } }) {
                guard let entity = service.fallback.first(where: { $0.name == level })?.entity, let place = places[entity]?[name],
                    seen.insert(place).inserted
                else { continue }
                features[place].services.append(.init(service: service.name, version: service.version, isFallback: true))
            }
        }
    }
}

extension FeatureCatalogue.WindowFacts {
    init(_ feature: FeatureDefinition, keepsEvents: Bool) {
        switch feature.window {
        case .lifetime: self.init(name: "lifetime", kind: .lifetime, bound: "exact")
        case .calendar(let window):
            self.init(
                name: "\(window.unit.rawValue), \(window.days.zone)", kind: .calendar, hop: keepsEvents ? nil : CalendarWindow.hop, bound: "exact")
        case .sliding(let length, Window.exactHop):
            self.init(name: Definitions.written(length, in: feature.name), kind: .sliding, length: length, bound: "exact")
        case .sliding(let length, let hop):
            self.init(
                name: Definitions.written(length, in: feature.name), kind: .sliding, length: length, hop: hop,
                bound: Definitions.bound(length: length, hop: hop))
        }
    }
}
