public import FeatureStore

extension AuditEvent {
    public init(_ request: LookupRequest) {
        let target = switch request.selection {
        case .service(let name): name
        case .features(let names): "features:" + names.prefix(20).joined(separator: ",")
        }
        self.init(.lookups, "lookup", target: target, entities: request.keys.count, keys: Array(request.keys.prefix(Self.maxKeys)))
    }

    public init(_ request: FeastRequest) {
        let target = request.service.isEmpty ? "features:" + request.features.prefix(20).joined(separator: ",") : request.service
        self.init(
            .lookups, "feast-lookup", target: target, entities: request.rowCount, keys: Array(request.entities.first?.keys.prefix(Self.maxKeys) ?? []))
    }

    public init(_ query: Explanation.Query) {
        let feature = query.entity.map { "\($0).\(query.feature)" } ?? query.feature
        self.init(.explain, "explain", target: feature, entities: 1, keys: [query.key])
    }

    public init(_ request: EraseRequest) { self.init(erasing: request.keys, of: request.entity) }

    public init(erasing keys: [String], of entity: String) {
        self.init(.erasures, "erase", target: entity, entities: keys.count, keys: Array(keys.prefix(Self.maxKeys)))
    }

    public init(_ request: PushRequest) { self.init(.pushes, "push", target: request.view, entities: request.rows.count) }
}
