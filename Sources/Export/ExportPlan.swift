internal import FeatureStore

/// What an export needs to know of the definitions, decided once: which streams and fields to keep, which views to fill, how to finish.
final class ExportPlan: Sendable {
    struct StreamUse: Sendable {
        /// Position in `replay.streams`; nil: a stream that only labels read, in which no row has a say.
        var position: Int?
        /// Which of the event's keys is the entity's, and how many there are.
        var keyIndex: Int
        var keyCount: Int
        var fieldCount: Int
        var hasIDs: Bool
        /// Values are needed; else only whether and when there was an event.
        var readsFields: Bool
        /// Indexes of the labels over the stream.
        var labels: [Int]
    }

    let definitions: Definitions
    let vector: VectorPlan
    let labels: [LabelPlan]
    /// By index in `Definitions.streams`; nil: the stream has no part in the export.
    let streams: [StreamUse?]
    /// All that the server keeps of the entity: rows are read with it.
    let reading: EntityPlan
    /// The same with those views only that the vector needs: rows are written with it. Views over a stream without ids
    /// are all there, because what they hold decides which of its events are late.
    let replay: EntityPlan
    /// Each partition has a row of its own.
    let isInAnyShard: Bool
    /// Index of the stream that says who is erased; -1: there is none.
    let erasureStream: Int

    init(_ definitions: Definitions, what: ExportedFeatures, labels: [LabelDefinition]) throws(ExportError) {
        self.definitions = definitions
        let store = Store(definitions)
        do throws(LookupError) {
            vector = switch what {
            case .service(let name): try store.plan(service: name)
            case .features(let names): try store.plan(features: names)
            }
        } catch { throw Self.fault(error) }
        let vector = vector
        if definitions.entities[vector.read.entity].isSingleton {
            throw ExportError(
                "`\(vector.entity)` is a singleton: all events describe it, and an export replays one entity at a time",
                remedy: "export the features of an entity that has keys")
        }
        var compiled: [LabelPlan] = []
        for label in labels { compiled.append(try LabelPlan(label, entity: vector.entity, in: definitions)) }
        self.labels = compiled

        let entity = vector.read.entity
        let full = store.catalog.entities[entity]
        let read = vector.read.viewIndexes
        reading = full
        replay = full.keeping(views: full.streams.flatMap { stream in stream.views.filter { !stream.hasIDs || read.contains($0) } })
        erasureStream = definitions.erasureStream ?? -1
        isInAnyShard = store.isInAnyShard(entity: entity)
        streams = definitions.streams.enumerated().map { index, stream in
            let position = full.streams.firstIndex { $0.index == index }
            let own = compiled.indices.filter { compiled[$0].stream == index }
            guard position != nil || !own.isEmpty,
                let keyIndex = stream.keys.firstIndex(where: { $0.entity == vector.entity })
            else { return nil }
            let feeds = position.map { full.keepsEvents(ofStream: $0) || full.streams[$0].views.contains { read.contains($0) } } ?? false
            return StreamUse(
                position: position, keyIndex: keyIndex, keyCount: stream.keys.count, fieldCount: stream.fields.count,
                hasIDs: stream.idPath != nil, readsFields: feeds || !own.isEmpty, labels: own)
        }
    }

    private static func fault(_ error: LookupError) -> ExportError {
        switch error {
        case .unknownService(let name, let known):
            let remedy = NearestName.of(name, in: known).map { "did you mean `\($0)`?" }
                ?? (known.isEmpty ? "the definitions have no services" : "there are: \(known.joined(separator: ", "))")
            return ExportError("there is no feature service `\(name)`", remedy: remedy)
        case .unknownFeature(let name, let nearest):
            return ExportError(
                "there is no feature `\(name)`",
                remedy: nearest.map { "did you mean `\($0)`?" } ?? "`millrace describe` lists them")
        case .mixedEntities(let entities):
            return ExportError(
                "the features belong to different entities (\(entities.joined(separator: ", ")))",
                remedy: "an export describes one entity: make one for each")
        default: return ExportError("\(error)", remedy: "`millrace check` says whether the definitions are right")
        }
    }
}

/// What the vectors consist of.
public enum ExportedFeatures: Sendable, Equatable {
    case service(String)
    case features([String])
}
