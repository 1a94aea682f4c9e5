/// The definitions, resolved for one store: plans per entity and the list of all features.
///
/// Indexes of entities, views and features depend on the definitions alone; the ids in rows also on what the shard has given out before
/// (`SectionIDs`). So a `VectorPlan` holds for every shard.
package final class Catalog: Sendable {
    package let definitions: Definitions
    package let entities: [EntityPlan]
    package let features: [CatalogFeature]
    /// Per entity: feature name -> index into `features`.
    package let featureIndexes: [[String: Int]]
    /// Per stream: the first of its keys whose entity has views; -1: none has. An event that describes several entities is counted once,
    /// for this one, and singletons take what this one has taken.
    package let countingKeys: [Int]
    /// Index in `Definitions.streams` of the one that says who is to be erased.
    package let erasureStream: Int?

    package init(_ definitions: Definitions, ids: SectionIDs = .init()) {
        var ids = ids
        self.definitions = definitions
        var plans: [EntityPlan] = []
        var features: [CatalogFeature] = []
        var indexes: [[String: Int]] = []
        for (entityIndex, entity) in definitions.entities.enumerated() {
            var views: [ViewPlan] = []
            var streams: [EntityPlan.Stream] = []
            var byName: [String: Int] = [:]
            for (streamIndex, stream) in definitions.streams.enumerated() {
                let keyIndex = entity.isSingleton ? -1 : stream.keys.firstIndex { $0.entity == entity.name }
                guard let keyIndex else { continue }
                guard EntityPlan.hasPart(stream, of: entity.name, in: definitions) else { continue }
                let over = definitions.views.filter { $0.entity == entity.name && $0.stream == stream.name }
                var viewIndexes: [Int] = []
                for definition in over {
                    let view = ViewPlan(
                        definition, id: ids.id(view: definition.name), stream: streamIndex, in: definitions)
                    for feature in definition.features {
                        byName[feature.name] = features.count
                        features.append(CatalogFeature(
                            name: feature.name, entity: entityIndex,
                            type: Definitions.featureType(of: feature, in: stream), defaultValue: feature.defaultValue,
                            source: .view(index: views.count, feature)))
                    }
                    viewIndexes.append(views.count)
                    views.append(view)
                }
                streams.append(.init(
                    index: streamIndex, id: ids.id(stream: stream.name), keyIndex: keyIndex, keyCount: stream.keys.count,
                    hasIDs: stream.idPath != nil, allowedLateness: stream.allowedLateness, maxIDs: stream.maxIDsPerRow,
                    views: viewIndexes))
            }
            for (index, input) in definitions.inputs.enumerated() {
                byName[input.name] = features.count
                features.append(CatalogFeature(
                    name: input.name, entity: entityIndex, type: input.type, defaultValue: input.defaultValue, source: .input(index: index)))
            }
            // In the order of the file, again and again, until no further one resolves: derived features may use one another.
            var waiting = definitions.derived.filter { $0.entity == entity.name }
            while let next = waiting.firstIndex(where: { definition in
                (try? Derivation.compile(definition.expression, inputs: { name in byName[name].map { features[$0].type } })) != nil
            }) {
                let definition = waiting.remove(at: next)
                guard let derivation = try? Derivation.compile(
                    definition.expression, inputs: { name in byName[name].map { features[$0].type } }) else { continue }
                let inputs = derivation.inputNames.map { byName[$0]! }
                byName[definition.name] = features.count
                features.append(CatalogFeature(
                    name: definition.name, entity: entityIndex, type: derivation.type,
                    defaultValue: definition.defaultValue, source: .derived(derivation, inputs: inputs)))
            }
            let logs = EntityPlan.logs(of: views, streams, in: definitions)
            plans.append(EntityPlan(
                index: entityIndex, name: entity.name, keyPrefix: ids.id(entity: entity.name), streams: streams, views: views,
                logs: logs, retractions: EntityPlan.retractions(for: logs, streams, in: definitions), isSingleton: entity.isSingleton,
                rowKeys: entity.isPseudonymous ? definitions.privacy.key(ofEntity: entity.name) : nil))
            indexes.append(byName)
        }
        entities = plans
        self.features = features
        featureIndexes = indexes
        countingKeys = definitions.streams.indices.map { index in
            plans.compactMap { $0.streams.first { $0.index == index && $0.keyIndex >= 0 }?.keyIndex }.min() ?? -1
        }
        erasureStream = definitions.erasureStream
        self.ids = ids
    }

    /// Every id in use, those given out by `init` included.
    package let ids: SectionIDs
}

/// One feature of the catalogue and how it comes about.
package struct CatalogFeature: Sendable {
    package enum Source: Sendable {
        /// Finished from a view of the entity's plan.
        case view(index: Int, FeatureDefinition)
        /// Computed from other features; indexes into the catalogue.
        case derived(Derivation, inputs: [Int])
        /// Given with the request; index into `Definitions.inputs`.
        case input(index: Int)
    }
    package var name: String
    package var entity: Int
    package var type: ValueType
    package var defaultValue: Value?
    package var source: Source
}

/// The small numbers that stand for names in rows and keys. Once given they are kept, so that a changed definitions file still reads old rows.
package struct SectionIDs: Sendable, Equatable {
    package var entities: [String: UInt8] = [:]
    package var streams: [String: UInt16] = [:]
    package var views: [String: UInt16] = [:]

    package init() {}

    mutating func id(entity name: String) -> UInt8 { Self.id(name, in: &entities) }
    mutating func id(stream name: String) -> UInt16 { Self.id(name, in: &streams) }
    mutating func id(view name: String) -> UInt16 { Self.id(name, in: &views) }

    private static func id<N: FixedWidthInteger>(_ name: String, in names: inout [String: N]) -> N {
        if let known = names[name] { return known }
        let next = (names.values.max() ?? 0) + 1
        names[name] = next
        return next
    }
}
