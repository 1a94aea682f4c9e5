internal import FeatureStore
internal import Synchronization

/// Plans by service name, made once at start, and by feature list, made when first asked for.
///
/// Feature lists come from clients, so their cache is bounded: past `maxLists` it starts afresh.
final class ContractCache: Sendable {
    private let services: [String: VectorContract]
    private let lists = Mutex<[[String]: VectorContract]>([:])
    private let source: LookupSource
    static let maxLists = 256

    init(source: LookupSource) {
        self.source = source
        var services: [String: VectorContract] = [:]
        for service in source.definitions.services {
            if let plan = try? source.planService(service.name) { services[service.name] = VectorContract(plan) }
        }
        self.services = services
    }

    func contract(_ selection: LookupRequest.Selection) throws(LookupError) -> VectorContract {
        switch selection {
        case .service(let name):
            if let known = services[name] { return known }
            // Asks the store so that the error is the store's own; a service that it can plan only now is served uncached.
            return VectorContract(try source.planService(name))
        case .features(let names):
            if let known = lists.withLock({ $0[names] }) { return known }
            let made = VectorContract(try source.planFeatures(names))
            lists.withLock {
                if $0.count >= Self.maxLists { $0.removeAll(keepingCapacity: true) }
                $0[names] = made
            }
            return made
        }
    }
}
