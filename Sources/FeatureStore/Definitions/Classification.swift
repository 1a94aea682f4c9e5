/// What people say of data: `tags: [pii]`, who answers for it, what it is for. Of streams, views and features; nothing is computed with it.
public struct Classification: Sendable, Equatable {
    public var tags: [String] = []
    public var owner = ""
    public var purpose = ""
    public init() {}

    /// Data of this tag is about persons.
    public static let personal = "pii"

    var isEmpty: Bool { self == Classification() }

    /// Adds the tags of what it is made of; owner and purpose where there is none.
    mutating func inherit(_ other: Classification) {
        inheritTags(other)
        if owner.isEmpty { owner = other.owner }
        if purpose.isEmpty { purpose = other.purpose }
    }

    mutating func inheritTags(_ other: Classification) {
        for tag in other.tags where !tags.contains(tag) { tags.append(tag) }
        tags.sort()
    }
}

/// The classification of every feature: its own, with what it inherits of its view and stream. A derived feature has the tags of all that it is
/// computed from.
///
///     let classifications = FeatureClassifications(definitions)
///     classifications["customer", "spend_30d"].tags       // ["pii"]
public struct FeatureClassifications: Sendable {
    /// By entity and feature.
    private var all: [String: [String: Classification]] = [:]

    public init(_ definitions: Definitions) {
        let catalog = Catalog(definitions)
        let streams = Dictionary(uniqueKeysWithValues: definitions.streams.map { ($0.name, $0.classification) })
        let views = Dictionary(uniqueKeysWithValues: definitions.views.map { ($0.name, $0) })
        var found = Array(repeating: Classification(), count: catalog.features.count)
        // Derived ones stand behind what they are computed from.
        for (index, feature) in catalog.features.enumerated() {
            let entity = catalog.entities[feature.entity]
            switch feature.source {
            case .view(let view, let definition):
                let of = views[entity.views[view].definition.name]
                found[index] = definition.classification
                if let of {
                    found[index].inherit(of.classification)
                    found[index].inherit(streams[of.stream] ?? Classification())
                    if let other = of.attribution?.stream { found[index].inheritTags(streams[other] ?? Classification()) }
                }
            case .derived(_, let inputs):
                if let own = definitions.derived.first(where: { $0.name == feature.name && $0.entity == entity.name }) { found[index] = own.classification }
                for input in inputs { found[index].inheritTags(found[input]) }
            case .input: break
            }
            all[entity.name, default: [:]][feature.name] = found[index]
        }
    }

    public subscript(entity: String, feature: String) -> Classification { all[entity]?[feature] ?? Classification() }

    /// Whether any feature of a service carries a tag.
    public func has(_ tag: String, service: ServiceDefinition) -> Bool {
        service.features.contains { self[service.entity, $0].tags.contains(tag) }
    }
}
