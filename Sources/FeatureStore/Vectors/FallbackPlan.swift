/// How a service replaces what the entity itself does not have: level by level another entity's features, read with a plan of their own.
public struct FallbackPlan: Sendable {
    public struct Level: Sendable {
        public let name: String
        /// Which value of `keys` is the key; nil: the entity is a singleton.
        public let key: Int?
        /// What is read of the other entity.
        public let plan: VectorPlan
        /// Of the service's vector and of `plan`'s.
        public let sources: [(feature: Int, source: Int)]
    }
    /// The features of the service's own entity that are keys; nil: no level needs one.
    public let keys: VectorPlan?
    public let levels: [Level]

    /// The text under which a value is an entity's key; nil: it is none, or only a default.
    public static func key(_ value: FeatureValue) -> String? {
        guard value.status == .present || value.status == .stale else { return nil }
        switch value.value {
        case .string(let text): return text.isEmpty ? nil : text
        case .int(let number): return String(number)
        default: return nil
        }
    }
}

extension Store {
    /// Nil: the service has no levels.
    func fallback(of service: ServiceDefinition) throws(LookupError) -> FallbackPlan? {
        if service.fallback.isEmpty { return nil }
        func index(_ entity: String) -> Int { definitions.entities.firstIndex { $0.name == entity } ?? 0 }
        let keys = service.fallback.compactMap(\.key)
        var levels: [FallbackPlan.Level] = []
        for level in service.fallback {
            var names: [String] = []
            var sources: [(feature: Int, source: Int)] = []
            for (feature, name) in service.features.enumerated() {
                guard let source = service.served[name]?.fallback[level.name] else { continue }
                if !names.contains(source) { names.append(source) }
                sources.append((feature, names.firstIndex(of: source) ?? 0))
            }
            levels.append(.init(
                name: level.name, key: level.key.flatMap { keys.firstIndex(of: $0) },
                plan: try plan(names, entity: index(level.entity), service: nil), sources: sources))
        }
        return FallbackPlan(keys: keys.isEmpty ? nil : try plan(keys, entity: index(service.entity), service: nil), levels: levels)
    }
}

extension VectorPlan {
    /// The values of an entity that was not read: defaults, and what comes with the request.
    public func unread() -> [FeatureValue] {
        // No row, no damage.
        var values = (try? RowReader.values(read, rows: [], at: Store.validTimes.lowerBound, inputs: inputValues)) ?? []
        for i in values.indices where values[i].status == .missing || values[i].status == .defaulted { values[i].status = .overdue }
        return values
    }

    /// Another entity's value in place of the feature's own: of its type, within the service's bounds.
    public func replacement(_ value: FeatureValue, for feature: Int) -> FeatureValue {
        var replaced = value.value.converted(to: types[feature])
        if let clip = read.treatments.first(where: { $0.output == feature })?.clip { replaced = clip.clipped(replaced) }
        return FeatureValue(value: replaced, status: .fallback, newestEventTime: value.newestEventTime)
    }
}
