internal import LMDB

extension Store {
    /// How the value of one feature of one entity came about. The value is the one that a lookup gives.
    ///
    /// Each shard's row and its counts of dropped events are of one commit; positions are taken before, as for lookups. O(tiles of the view).
    @available(*, noasync)
    public func explain(_ query: Explanation.Query) throws(LookupError) -> Explanation {
        let (entity, service) = try resolve(query)
        guard let feature = catalog.featureIndexes[entity][query.feature] else {
            throw .unknownFeature(query.feature, nearest: NearestName.of(query.feature, in: catalog.featureIndexes[entity].keys.sorted()))
        }
        let key = Array(query.key.utf8)
        guard !key.isEmpty else { throw .emptyKey }
        guard key.count <= Shard.maxKeyBytes else { throw .keyTooLong(bytes: key.count, limit: Shard.maxKeyBytes) }
        let now = Self.now()
        let time = query.asOf ?? now
        guard Self.validTimes.contains(time) else { throw .timeOutOfRange(time) }
        return try key.withUnsafeBytesOrError { (key) throws(LookupError) in
            try reading(entity, key) { holders in
                try explain(query, feature, key, holders.shards, service: service, time: time, now: now)
            }.0
        }
    }

    private func explain(
        _ query: Explanation.Query, _ feature: Int, _ key: UnsafeRawBufferPointer, _ shards: [Shard], service: ServiceDefinition?,
        time: Int64, now: Int64
    ) throws -> Explanation {
        let entity = catalog.features[feature].entity
        var sources: [Explainer.Source] = []
        defer { for source in sources { source.row?.bytes.deallocate() } }
        for shard in shards {
            let status = shard.statusNow(now)
            try shard.withRowAndDrops(entity: entity, key: key) { bytes, drops in
                let row = bytes.map { bytes in
                    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
                    copy.copyMemory(from: bytes)
                    return RowReader.Row(
                        bytes: UnsafeRawBufferPointer(copy), plan: shard.catalog.entities[entity], since: shard.since[entity])
                }
                sources.append(.init(status: status, plan: shard.catalog.entities[entity], row: row, drops: drops))
            }
        }
        let features = Explainer.closure(of: feature, in: catalog)
        let said = service?.served[query.feature]
        var vector = Vector(
            found: sources.contains { $0.row != nil },
            values: try RowReader.values(
                ReadPlan(features: features, catalog: catalog, entity: entity, served: [said]), rows: sources.compactMap(\.row), at: time),
            shards: shards.map(\.number))
        var behind: (shard: Int, freshness: Microseconds?, limit: Microseconds)?
        if let limit = query.maxStaleness ?? service?.maxStaleness,
            let late = sources.first(where: { ($0.status.freshness ?? .max) > limit })
        {
            behind = (late.status.shard, late.status.freshness, limit)
            vector.markStale()
        }
        let explainer = Explainer(catalog: catalog, entity: entity, sources: sources, time: time, behind: behind, said: said)
        return Explanation(
            entity: definitions.entities[entity].name, key: query.key, service: service?.name, version: service?.version,
            asOf: time, features: try explainer.features(features, vector.values), shards: explainer.shards())
    }

    private func resolve(_ query: Explanation.Query) throws(LookupError) -> (entity: Int, service: ServiceDefinition?) {
        var service: ServiceDefinition?
        if let name = query.service {
            service = definitions.services.first { $0.name == name }
            guard let service else { throw .unknownService(name, known: definitions.services.map(\.name)) }
            guard service.features.contains(query.feature) else {
                throw .notInService(query.feature, service: name, nearest: NearestName.of(query.feature, in: service.features))
            }
        }
        if let name = query.entity ?? service?.entity {
            guard let entity = definitions.entities.firstIndex(where: { $0.name == name }) else {
                throw .unknownEntity(name, known: definitions.entities.map(\.name))
            }
            if let service, service.entity != name { throw .mixedEntities([name, service.entity]) }
            return (entity, service)
        }
        if let entity = catalog.featureIndexes.firstIndex(where: { $0[query.feature] != nil }) { return (entity, nil) }
        let known = catalog.featureIndexes.flatMap(\.keys).sorted()
        throw .unknownFeature(query.feature, nearest: NearestName.of(query.feature, in: known))
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` does not carry typed errors.
    package func withUnsafeBytesOrError<R, E>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let result: Result<R, E> = withUnsafeBytes { bytes in
            do throws(E) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
