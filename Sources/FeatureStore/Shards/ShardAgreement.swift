/// Holds the definitions against what a shard was written with: unchanged parts go on, new ones are given ids, changed ones are refused.
struct ShardAgreement {
    let catalog: Catalog
    /// Per entity and view.
    let since: [[Int64?]]
    let meta: ShardMeta

    /// `beginnings`: by topic, the broker timestamp (µs) of the oldest record there is, where earlier ones are gone. A view that starts
    /// empty has seen nothing from before.
    init(
        _ stored: ShardMeta, definitions: Definitions, partitionCounts: [String: Int], directory: String,
        beginnings: [String: Int64] = [:]
    ) throws(ShardError) {
        if let format = stored.format, format != Shard.formatVersion {
            throw .formatVersion(found: Int(format), directory: directory)
        }
        for stream in definitions.streams {
            if let was = stored.partitions[stream.topic], let now = partitionCounts[stream.topic], was != now {
                throw .partitionCountChanged(topic: stream.topic, was: was, is: now, directory: directory)
            }
        }
        var meta = stored
        meta.format = Shard.formatVersion
        try meta.agree(on: definitions, directory: directory)
        let defined = Set(definitions.views.map(\.name))
        for (name, view) in stored.views where !defined.contains(name) {
            meta.views[name] = nil
            meta.retired.insert(view.id)
        }
        catalog = Catalog(definitions, ids: meta.sectionIDs)
        meta.entities = catalog.ids.entities
        for (topic, count) in partitionCounts { meta.partitions[topic] = count }
        for stream in definitions.streams {
            guard let id = catalog.ids.streams[stream.name] else { continue }  // no view reads it
            let fingerprint = stream.fingerprint
            if let known = stored.streams[stream.name], known.fingerprint != fingerprint {
                throw .definitionChanged(kind: "stream", name: stream.name, directory: directory)
            }
            meta.streams[stream.name] = .init(id: id, fingerprint: fingerprint)
        }
        var since: [[Int64?]] = []
        for entity in catalog.entities {
            var bySection: [Int64?] = []
            for view in entity.views {
                if let known = stored.views[view.definition.name] {
                    guard known.fingerprint == view.fingerprint(in: definitions) else {
                        throw .definitionChanged(kind: "view", name: view.definition.name, directory: directory)
                    }
                    bySection.append(known.since == 0 ? nil : known.since)
                } else {
                    // Every event that was read so far had at most this event time: later ones are all still to come.
                    let since = view.sources(in: definitions).map { source in
                        let newest = stored.positions[source.topic]?.newestRecordTime ?? beginnings[source.topic]
                        return newest.map { $0 + source.maxClockSkew } ?? 0
                    }.max()!
                    meta.views[view.definition.name] = .init(
                        id: view.id, fingerprint: view.fingerprint(in: definitions), since: since)
                    bySection.append(since == 0 ? nil : since)
                }
            }
            since.append(bySection)
        }
        self.since = since
        self.meta = meta
    }
}

extension ShardMeta {
    /// In what this was written under other definitions than these; nil: it has exactly their streams and views.
    func difference(from definitions: Definitions, partitionCounts: [String: Int]) -> String? {
        if let format, format != Shard.formatVersion { return "store format \(format)" }
        if pseudonymKey != definitions.pseudonymFingerprint { return "another pseudonym key, or other settings of `privacy`" }
        if let name = definitions.entities.first(where: { $0.isPseudonymous != pseudonymous.contains($0.name) })?.name {
            return "entity `\(name)` with other keys of rows"
        }
        let catalog = Catalog(definitions)
        for (name, _) in catalog.ids.streams.sorted(by: { $0.key < $1.key }) {
            let stream = definitions.streams.first { $0.name == name }!
            guard let known = streams[name] else { return "without stream `\(name)`" }
            if known.fingerprint != stream.fingerprint { return "stream `\(name)` defined differently" }
            if let was = partitions[stream.topic], let now = partitionCounts[stream.topic], was != now {
                return "topic `\(stream.topic)` having \(was) partitions, now \(now)"
            }
        }
        var missing = Set(views.keys)
        for view in catalog.entities.flatMap(\.views) {
            let name = view.definition.name
            missing.remove(name)
            guard let known = views[name] else { return "without view `\(name)`" }
            if known.fingerprint != view.fingerprint(in: definitions) { return "view `\(name)` defined differently" }
        }
        return missing.min().map { "a view `\($0)`, which is not defined" }
    }
}

extension StreamDefinition {
    /// What the remembered ids depend on.
    var fingerprint: UInt64 {
        var text = "\(topic)|\(idPath.map(\.description) ?? "")|\(allowedLateness)|\(maxIDsPerRow)|\(time.path?.description ?? "")|\(time.format.rawValue)"
        if let retracts { text += "|R\(retracts.stream)/\(fields[Int(fieldIndex(retracts.field))].path)/\(retracts.filter ?? "")" }
        return XXHash64.hash(text: text)
    }
}

extension XXHash64 {
    static func hash(text: String) -> UInt64 { Array(text.utf8).withUnsafeBytes { hash($0) } }
}
