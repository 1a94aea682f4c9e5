internal import Export
internal import FeatureStore

/// Who was erased, as the store of the definitions knows it, for commands that read logs.
struct ErasedInStore {
    private let store: Store
    /// Whether there is a store here.
    let isKnown: Bool

    /// Nil: the definitions have no erasures.
    init?(_ definitions: Definitions) throws {
        guard definitions.privacy.erasures != nil else { return nil }
        store = Store(definitions)
        isKnown = !Store.shardNumbers(in: definitions.store.directory).isEmpty
        if isKnown { try store.openExisting() }
    }

    func close() { store.closeAll() }

    func predicate(of features: ExportedFeatures) -> (@Sendable (UnsafeRawBufferPointer) throws -> Bool)? {
        guard isKnown else { return nil }
        let plan = switch features {
        case .service(let name): try? store.plan(service: name)
        case .features(let names): try? store.plan(features: names)
        }
        guard let entity = plan?.entity, let index = store.definitions.entities.firstIndex(where: { $0.name == entity }) else { return nil }
        let store = store
        return { key in try store.isErased(entity: index, id: key) }
    }
}
