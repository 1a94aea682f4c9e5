internal import FeatureStore
internal import Synchronization

/// Plans by service name, made once at start, and by feature list, made when first asked for.
///
/// Feature lists come from clients, so their cache is bounded: past `maxLists` it starts afresh.
final class ContractCache: Sendable {
    /// A few: looking through them costs less than hashing a name.
    private let services: [(name: [UInt8], contract: VectorContract)]
    private let lists = Mutex<[[String]: VectorContract]>([:])
    private let source: LookupSource
    static let maxLists = 256

    init(source: LookupSource) {
        self.source = source
        services = source.definitions.services.compactMap { service in
            (try? source.planService(service.name)).map { (Array(service.name.utf8), VectorContract($0, log: service.log)) }
        }
    }

    func service(_ name: UnsafeRawBufferPointer) throws(LookupError) -> VectorContract {
        for (known, contract) in services where known.count == name.count && known.elementsEqual(name) { return contract }
        // Asks the store so that the error is the store's own; a service that it can plan only now is served uncached.
        return VectorContract(try source.planService(String(decoding: name, as: UTF8.self)))
    }

    func contract(_ selection: LookupRequest.Selection) throws(LookupError) -> VectorContract {
        switch selection {
        case .service(var name):
            let found: Result<VectorContract, LookupError> = name.withUTF8 { bytes in
                do throws(LookupError) { return .success(try service(UnsafeRawBufferPointer(bytes))) } catch { return .failure(error) }
            }
            return try found.get()
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
