internal import Glibc
internal import LMDB
internal import Synchronization

/// The shards of this process, by partition number, and the lookups over them.
///
/// Thread-safe: lookups run on any thread while ingest opens, applies to and closes shards.
public final class Store: Sendable {
    public let definitions: Definitions
    package let catalog: Catalog
    let directory: String
    let state: Mutex<State>
    /// Held from the first shard on that is opened to be served.
    let lock = Mutex<DirectoryLock?>(nil)
    /// Held while a shard that lookups read is closed and opened anew.
    let reopening = Mutex(())
    /// Which shards hold an entity's rows, per entity.
    private let routes: [Route]

    struct State {
        var shards: [Int: Shard] = [:]
        var partitionCounts: [String: Int] = [:] {
            didSet { keyedCounts = keyedTopics.map { topic in topic.flatMap { partitionCounts[$0] } ?? 0 } }
        }
        /// By entity: the topic that says by its key which shard has its row.
        let keyedTopics: [String?]
        /// By entity: the partitions of that topic; 0: none, or not known yet.
        private(set) var keyedCounts: [Int]
        var isAssigned = false
        /// Shards that could not be opened, and why.
        var unavailable: [Int: String] = [:]
        /// Next generations that catch up, and the right to them.
        var next: [Int: (shard: Shard, lock: DirectoryLock)] = [:]
        /// Next generations that were looked at and are none to adopt, as they were then.
        var passedOver: [Int: [Int]] = [:]

        init(keyedTopics: [String?]) {
            self.keyedTopics = keyedTopics
            keyedCounts = keyedTopics.map { _ in 0 }
        }
    }

    private enum Route {
        /// Every topic that describes the entity is partitioned by its key.
        case byKey(Partitioner, topic: String)
        /// Any shard may hold a row.
        case all
    }

    /// The shards that may have an entity's row.
    enum Holders {
        case one(Shard)
        case all([Shard])

        var shards: [Shard] {
            switch self {
            case .one(let shard): [shard]
            case .all(let shards): shards
            }
        }
    }

    /// The oldest and newest times that events and requests may have: 1970-01-02 to 2106-02-07.
    public static let validTimes: ClosedRange<Int64> = Microseconds.days(1)...(Int64(UInt32.max) * 1_000_000 + 999_999)

    /// Opens no shard yet: ingest does as partitions are assigned, or `openExisting`.
    public init(_ definitions: Definitions) {
        self.definitions = definitions
        catalog = Catalog(definitions)
        directory = definitions.store.directory
        routes = definitions.entities.map { entity in
            let streams = definitions.streams.filter { EntityPlan.hasPart($0, of: entity.name, in: definitions) }
            guard let first = streams.first else { return .all }
            let byKey = streams.allSatisfy {
                $0.partitioned && $0.keys.first?.entity == entity.name && $0.partitioner == first.partitioner
            }
            return byKey ? .byKey(first.partitioner, topic: first.topic) : .all
        }
        let topics = routes.map { route -> String? in if case .byKey(_, let topic) = route { topic } else { nil } }
        state = Mutex(State(keyedTopics: topics))
    }

    /// Whether an entity's rows may be in any shard, so that its values are merged over all of them.
    package func isInAnyShard(entity: Int) -> Bool { if case .all = routes[entity] { true } else { false } }

    // MARK: Shards

    /// How many partitions each topic has; known before the first shard opens.
    public func setPartitionCounts(_ counts: [String: Int]) { state.withLock { $0.partitionCounts = counts } }

    /// How many partitions a topic has; nil until that is known.
    public func partitionCount(_ topic: String) -> Int? { state.withLock { $0.partitionCounts[topic] } }

    /// The offset after the newest record of a partition that is applied; nil: its shard is not here, or there is no such stream.
    public func nextOffset(topic: String, partition: Int) -> Int64? {
        guard let stream = definitions.streams.firstIndex(where: { $0.topic == topic }) else { return nil }
        return shard(partition).map { $0.nextOffset(stream: stream) ?? 0 }
    }

    /// Says that the first assignment has come, even if it was empty.
    public func noteAssigned() { state.withLock { $0.isAssigned = true } }
    public var isAssigned: Bool { state.withLock { $0.isAssigned } }

    /// Closes the shards that were opened ahead and are not among these.
    public func closeShards(except numbers: Set<Int>) {
        for shard in shards where !numbers.contains(shard.number) { closeShard(shard.number) }
        state.withLock { state in state.unavailable = state.unavailable.filter { numbers.contains($0.key) } }
    }

    /// A shard that is served, also one that can only be read.
    public func shard(_ number: Int) -> Shard? { state.withLock { $0.shards[number] } }

    /// A shard is assigned to this process but cannot be opened or goes no further.
    public func noteUnavailable(_ number: Int, _ reason: String) { state.withLock { $0.unavailable[number] = reason } }

    /// Stops serving a shard and closes it; gives what `Shard.close` does.
    @discardableResult
    public func closeShard(_ number: Int) -> ShardError? {
        closeNext(number)
        let shard = state.withLock { state in
            state.unavailable[number] = nil
            return state.shards.removeValue(forKey: number)
        }
        return shard?.close()
    }

    public func closeAll() {
        for number in state.withLock({ Array($0.next.keys) }) { closeNext(number) }
        let shards = state.withLock { state in
            defer { state.shards = [:] }
            return state.shards
        }
        for shard in shards.values { shard.close() }
        lock.withLock { $0 = nil }
    }

    /// The shards that have a live generation in a store's directory.
    public static func shardNumbers(in directory: String) -> [Int] {
        GenerationFiles.entries(of: directory).compactMap { name in
            name.hasPrefix("shard-") ? Int(name.dropFirst(6)) : nil
        }.sorted()
    }

    public var shards: [Shard] { state.withLock { $0.shards.values.sorted { $0.number < $1.number } } }

    /// Every open or stopped shard, by number.
    public func shardStatuses() -> [ShardStatus] {
        let now = Self.now()
        let (shards, unavailable, next) = state.withLock { ($0.shards, $0.unavailable, $0.next) }
        let closed = unavailable.filter { shards[$0.key] == nil }.map { number, reason in
            ShardStatus(
                shard: number, state: .stopped, reason: reason, positions: [], lagEvents: nil, freshness: nil, rows: 0,
                mapBytes: 0, usedBytes: 0)
        }
        let open = shards.values.map { shard in
            var status = shard.statusNow(now)
            status.isNextCatchingUp = next[shard.number] != nil
            return status
        }
        return (open + closed).sorted { $0.shard < $1.shard }
    }

    /// Frees the reader slots of processes that died; called once in a while.
    public func reapStaleReaders() -> Int { shards.reduce(0) { $0 + $1.reapStaleReaders() } }

    // MARK: Plans

    /// The plan of a feature service. Throws `unknownService`.
    public func plan(service name: String) throws(LookupError) -> VectorPlan {
        guard let service = definitions.services.first(where: { $0.name == name }) else {
            throw .unknownService(name, known: definitions.services.map(\.name))
        }
        let entity = definitions.entities.firstIndex { $0.name == service.entity } ?? 0
        return try plan(service.features, entity: entity, service: service)
    }

    /// The plan of features named one by one; all must belong to one entity.
    public func plan(features names: [String]) throws(LookupError) -> VectorPlan {
        let holding = catalog.featureIndexes.indices.filter { entity in
            names.allSatisfy { catalog.featureIndexes[entity][$0] != nil }
        }
        if let entity = holding.first { return try plan(names, entity: entity, service: nil) }
        for name in names where !catalog.featureIndexes.contains(where: { $0[name] != nil }) {
            let known = catalog.featureIndexes.flatMap(\.keys).sorted()
            throw .unknownFeature(name, nearest: NearestName.of(name, in: known))
        }
        throw .mixedEntities(definitions.entities.map(\.name))
    }

    func plan(
        _ names: [String], entity: Int, service: ServiceDefinition?
    ) throws(LookupError) -> VectorPlan {
        var indexes: [Int] = []
        for name in names {
            guard let index = catalog.featureIndexes[entity][name] else { throw .unknownFeature(name, nearest: nil) }
            indexes.append(index)
        }
        var fallback: FallbackPlan?
        if let service { fallback = try self.fallback(of: service) }
        let served = service.map { service in service.served.isEmpty ? [] : names.map { service.served[$0] } } ?? []
        return VectorPlan(
            service: service?.name, version: service?.version, entity: definitions.entities[entity].name,
            featureNames: names, types: indexes.map { catalog.features[$0].type }, maxStaleness: service?.maxStaleness,
            read: ReadPlan(features: indexes, catalog: catalog, entity: entity, served: served), served: served,
            dimension: { catalog.dimension(of: indexes[$0]) }, inputs: definitions.inputs, fallback: fallback, deadline: service?.deadline,
            cache: isInAnyShard(entity: entity) ? definitions.entities[entity].cache : nil)
    }

    // MARK: Lookups

    /// The values of one entity at `asOf` (µs since the epoch). Values are `stale` when a shard is more than `maxStaleness` behind (nil: the
    /// plan's). A few µs; blocks on nothing but page faults.
    public func lookup(
        _ plan: VectorPlan, key: UnsafeRawBufferPointer, asOf: Int64, maxStaleness: Microseconds? = nil
    ) throws(LookupError) -> Vector {
        var vector = Vector()
        try lookup(plan, key: key, asOf: asOf, maxStaleness: maxStaleness, into: &vector)
        return vector
    }

    /// The same in place of what `vector` has, in its memory: who looks up one entity after another allocates nothing for it.
    public func lookup(
        _ plan: VectorPlan, key: UnsafeRawBufferPointer, asOf: Int64, maxStaleness: Microseconds? = nil, into vector: inout Vector
    ) throws(LookupError) {
        guard !key.isEmpty else { throw .emptyKey }
        guard key.count <= Shard.maxKeyBytes else { throw .keyTooLong(bytes: key.count, limit: Shard.maxKeyBytes) }
        guard Self.validTimes.contains(asOf) else { throw .timeOutOfRange(asOf) }
        let (_, holders) = try reading(plan.read.entity, key) { holders in
            switch holders {
            case .one(let shard): try lookUp(plan, key, shard, at: asOf, into: &vector)
            case .all(let shards): try lookUp(plan, key, merging: shards, at: asOf, into: &vector)
            }
        }
        if let limit = maxStaleness ?? plan.maxStaleness {
            let now = Self.now()
            let isBehind =
                switch holders {
                case .one(let shard): shard.isBehind(limit, now: now)
                case .all(let shards): shards.contains { $0.isBehind(limit, now: now) }
                }
            if isBehind { vector.markStale(plan.read) }
        }
    }

    /// Reads the shards that may hold an entity's row; once more from the start when one of them closed meanwhile because it was opened anew.
    func reading<R>(
        _ entity: Int, _ key: UnsafeRawBufferPointer, _ body: (Holders) throws -> R
    ) throws(LookupError) -> (R, holders: Holders) {
        var holders = try route(entity, key)
        while true {
            do {
                return (try body(holders), holders)
            } catch let error as LMDBError where error.kind == .closed {
                // The shard went away between the two steps: to a new generation, to be opened for writing, or from this process.
                reopening.withLock { _ in }
                let now = try route(entity, key)
                guard !now.shards.elementsEqual(holders.shards, by: ===) else {
                    throw .shardUnavailable(shard: holders.shards[0].number, reason: "the shard is moving to another process")
                }
                holders = now
            } catch {
                throw .storage("\(error)")
            }
        }
    }

    func route(_ entity: Int, _ key: UnsafeRawBufferPointer) throws(LookupError) -> Holders {
        switch routes[entity] {
        case .byKey(let partitioner, _):
            let (number, shard) = state.withLock { state -> (Int, Shard?) in
                let count = state.keyedCounts[entity]
                guard count > 0 else { return (-1, nil) }
                let number = partitioner.partition(of: key, count: count)
                return (number, state.shards[number])
            }
            if let shard { return .one(shard) }
            let known = state.withLock { $0.unavailable[number] }
            throw .shardUnavailable(
                shard: number, reason: known ?? (number < 0
                    ? mustConfirmErasures ? "no broker has answered yet, so nobody knows which erasures are missing" : "the topics have not been read yet"
                    : "partition \(number) is not assigned to this process"))
        case .all:
            let entity = definitions.entities[entity]
            if entity.isSingleton, !key.elementsEqual(entity.name.utf8) { throw .notTheSingleton(entity.name) }
            let shards = shards
            if shards.isEmpty { throw .shardUnavailable(shard: -1, reason: "no partition is assigned to this process") }
            return .all(shards)
        }
    }

    private func lookUp(
        _ plan: VectorPlan, _ key: UnsafeRawBufferPointer, _ shard: Shard, at time: Int64, into vector: inout Vector
    ) throws {
        let entity = plan.read.entity
        vector.begin(shards: shard.numbers)
        try shard.withRow(entity: entity, key: key) { bytes in
            guard let bytes else {
                return try RowReader.values(plan.read, rows: Span(), at: time, inputs: plan.inputValues, into: &vector.values)
            }
            let row = CollectionOfOne(
                RowReader.Row(bytes: bytes, plan: shard.catalog.entities[entity], since: shard.since[entity]))
            try RowReader.values(plan.read, rows: row.span, at: time, inputs: plan.inputValues, into: &vector.values)
            vector.found = true
        }
    }

    /// Copies the rows out first: one read transaction at a time.
    private func lookUp(
        _ plan: VectorPlan, _ key: UnsafeRawBufferPointer, merging shards: [Shard], at time: Int64, into vector: inout Vector
    ) throws {
        vector.begin(shards: shards.map(\.number))
        let entity = plan.read.entity
        var rows: [RowReader.Row] = []
        defer { for row in rows { row.bytes.deallocate() } }
        for shard in shards {
            try shard.withRow(entity: entity, key: key) { bytes in
                guard let bytes else { return }
                let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
                copy.copyMemory(from: bytes)
                rows.append(.init(
                    bytes: UnsafeRawBufferPointer(copy), plan: shard.catalog.entities[entity], since: shard.since[entity]))
            }
        }
        try RowReader.values(plan.read, rows: rows.span, at: time, inputs: plan.inputValues, into: &vector.values)
        vector.found = !rows.isEmpty
    }

    /// Wall-clock microseconds since the epoch.
    public static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}

extension Vector {
    /// Is read anew, from these shards; its values come after that.
    fileprivate mutating func begin(shards: [Int]) {
        found = false
        self.shards = shards
        levels = []
        age = 0
    }

    /// All but what came with the request.
    mutating func markStale(_ plan: ReadPlan? = nil) {
        for i in values.indices where values[i].status == .present { values[i].status = .stale }
        guard let plan, !plan.inputs.isEmpty else { return }
        for output in values.indices where values[output].status == .stale && plan.isInput(output) { values[output].status = .present }
    }
}

extension ReadPlan {
    /// Whether the output is an input of the request as it came.
    func isInput(_ output: Int) -> Bool {
        let slot = outputs?[output] ?? output
        return inputs.contains { $0.slot == slot }
    }
}
