public import FeatureStore
public import JSONBytes

/// Answers lookups, whatever the transport: checks the request, reads the vectors, adds positions and freshness, counts and measures.
///
/// Thread-safe. `lookup` takes a few µs a key and does not suspend.
public final class LookupService: Sendable {
    public let source: LookupSource
    public let metrics: ServingMetrics
    let contracts: ContractCache
    private let shards: ShardView
    /// By entity.
    let caches: [String: MergedCache]
    /// What the definitions say of each feature.
    public let classifications: FeatureClassifications
    public let feastViews: FeastViews
    let feastPlans = FeastPlanCache()
    let catalogue: FeatureCatalogue
    /// Nil: nothing is pushed.
    let sink: PushSink?
    /// Nil: nothing is logged.
    let served: ServedSink?
    /// Nil: nobody is erased.
    let eraser: EraseSink?
    /// What is told of inputs and of the values of features.
    public let watch: WatchSource

    public init(
        source: LookupSource, sink: PushSink? = nil, served: ServedSink? = nil, eraser: EraseSink? = nil, watch: WatchSource = .none
    ) {
        self.eraser = eraser
        self.watch = watch
        self.served = served
        self.source = source
        self.sink = sink
        metrics = ServingMetrics()
        contracts = ContractCache(source: source)
        shards = ShardView(source: source)
        caches = Dictionary(uniqueKeysWithValues: source.definitions.entities.compactMap { entity in
            entity.cache.map { (entity.name, MergedCache($0)) }
        })
        classifications = FeatureClassifications(source.definitions)
        feastViews = FeastViews(source.definitions)
        catalogue = FeatureCatalogue(source.definitions)
    }

    public func lookup(_ request: LookupRequest) -> Result<LookupAnswer, LookupProblem> {
        let start = ContinuousClock.now
        let result: Result<LookupAnswer, LookupProblem>
        do throws(LookupProblem) {
            result = .success(try answer(request, now: start))
        } catch {
            result = .failure(error)
        }
        switch result {
        case .success(let answer):
            metrics.lookupEnded(nil, keys: request.keys.count, seconds: start.duration(to: .now))
            log(answer)
        case .failure(let problem): metrics.lookupEnded(problem, keys: 0, seconds: start.duration(to: .now))
        }
        return result
    }

    /// Answers a lookup of one entity by a service, now, in JSON: what `lookup` and `LookupAnswer.write` do in two steps for any request.
    /// The hot path of the transports: nothing is allocated but what strings and lists among the values take.
    ///
    /// - Parameter vector: memory for the values, which serves again the next time; what is in it is of no use.
    /// - Returns: nil, or why there is no answer; then nothing of `json` is of use.
    public func writeEntity(
        service: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, to json: inout JSONWriter, in vector: inout Vector
    ) -> LookupProblem? {
        let start = ContinuousClock.now
        var problem: LookupProblem?
        do throws(LookupProblem) {
            switch try read(service, key, now: start, in: &vector) {
            case .plain(let answer):
                json.answer(answer.contract, asOf: answer.asOf, freshness: answer.freshness) { json in
                    json.entry(key: key, vector)
                } positions: { json in
                    json.raw(answer.jsonPositions)
                }
                log(answer.contract, key, json)
            case .full(let answer):
                answer.write(to: &json)
                log(answer.contract, key, json)
            }
        } catch {
            problem = error
        }
        metrics.lookupEnded(problem, keys: 1, seconds: start.duration(to: .now))
        return problem
    }

    /// The same for transports that give answers another form.
    public func entity(
        service: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, in vector: inout Vector
    ) -> Result<EntityAnswer, LookupProblem> {
        let start = ContinuousClock.now
        do throws(LookupProblem) {
            let answer = try read(service, key, now: start, in: &vector)
            metrics.lookupEnded(nil, keys: 1, seconds: start.duration(to: .now))
            switch answer {
            case .full(let answer): log(answer)
            case .plain(let answer): if answer.contract.log != nil { log(answer.full(key, vector)) }
            }
            return .success(answer)
        } catch {
            metrics.lookupEnded(error, keys: 0, seconds: start.duration(to: .now))
            return .failure(error)
        }
    }

    private func read(
        _ service: UnsafeRawBufferPointer, _ key: UnsafeRawBufferPointer, now: ContinuousClock.Instant, in vector: inout Vector
    ) throws(LookupProblem) -> EntityAnswer {
        try check(keyBytes: key.count, at: 0)
        let contract: VectorContract
        do throws(LookupError) { contract = try contracts.service(service) } catch { throw LookupProblem(error, key: nil) }
        guard contract.isPlain else {
            let request = LookupRequest(.service(contract.plan.service ?? ""), keys: [String(decoding: key, as: UTF8.self)])
            return .full(try answer(request, now: now))
        }
        let view = shards.snapshot(now: now)
        let asOf = source.now()
        do throws(LookupError) {
            try source.lookup(contract.plan, key, asOf, nil, &vector)
        } catch {
            throw LookupProblem(error, key: String(decoding: key, as: UTF8.self))
        }
        guard vector.shards.count == 1, let shard = view[vector.shards[0]] else {
            return .full(answer(contract, asOf, [.init(key: String(decoding: key, as: UTF8.self), vector: vector)], view, [:]))
        }
        var freshness = FreshnessOfShards()
        freshness.add(shard.status.freshness, lag: shard.status.lagEvents)
        return .plain(PlainAnswer(contract: contract, asOf: asOf, freshness: freshness.value, shard: shard))
    }

    private func answer(_ request: LookupRequest, now: ContinuousClock.Instant) throws(LookupProblem) -> LookupAnswer {
        try check(request)
        let contract: VectorContract
        let plan: VectorPlan
        do throws(LookupError) {
            contract = try contracts.contract(request.selection)
            plan = try contract.plan.given(request.inputs)
        } catch {
            throw LookupProblem(error, key: nil)
        }
        let view = shards.snapshot(now: now)
        let asOf = request.asOf ?? source.now()
        var reader = RequestReader(
            service: self, view: view, asOf: asOf, maxStaleness: request.maxStaleness, isNow: request.asOf == nil && request.minPosition.isEmpty,
            deadline: plan.deadline.map { now + .microseconds($0) })
        var entries: [LookupAnswer.Entry] = []
        entries.reserveCapacity(request.keys.count)
        for key in request.keys { entries.append(.init(key: key, vector: try reader.vector(key, plan))) }
        return answer(contract, asOf, entries, view, reader.earlier)
    }

    /// `earlier`: of the shards that kept vectors were read of, where they stood then, and how long ago.
    private func answer(
        _ contract: VectorContract, _ asOf: Int64, _ entries: [LookupAnswer.Entry], _ view: ShardView.Snapshot,
        _ earlier: [Int: (view: ShardView.Snapshot, age: Microseconds)]
    ) -> LookupAnswer {
        let used = entries.count == 1 ? entries[0].vector.shards : Set(entries.lazy.flatMap(\.vector.shards)).sorted()
        var positions: [ShardStatus.SourcePosition] = []
        var freshness = FreshnessOfShards()
        for shard in used {
            let then = earlier[shard]
            guard let status = (then?.view ?? view)[shard]?.status else {
                freshness.add(nil, lag: nil)
                continue
            }
            positions += status.positions
            freshness.add(status.freshness.map { $0 + (then?.age ?? 0) }, lag: status.lagEvents)
        }
        return LookupAnswer(contract: contract, asOf: asOf, freshness: freshness.value, entries: entries, positions: positions)
    }

    private func check(keyBytes count: Int, at index: Int) throws(LookupProblem) {
        if count == 0 { throw .emptyKey(at: index) }
        if count > LookupRequest.maxKeyBytes {
            throw LookupProblem(
                .badKey, detail: "keys[\(index)] has \(count) bytes; the limit is \(LookupRequest.maxKeyBytes).",
                remedy: "Use the key under which events are produced.")
        }
    }

    private func check(_ request: LookupRequest) throws(LookupProblem) {
        let limit = source.definitions.server.maxKeysPerRequest
        if request.keys.isEmpty {
            throw LookupProblem(.badRequest, detail: "The request has no keys.", remedy: "Name at least one key.")
        }
        if request.keys.count > limit {
            throw LookupProblem(
                .tooManyKeys, detail: "The request has \(request.keys.count) keys; the limit is \(limit).",
                remedy: "Split it, or raise server.max_keys_per_request.")
        }
        for (index, key) in request.keys.enumerated() { try check(keyBytes: key.utf8.count, at: index) }
        if case .features(let names) = request.selection {
            if names.isEmpty {
                throw LookupProblem(
                    .badRequest, detail: "The request names no service and no features.",
                    remedy: "Name a service, or at least one feature.")
            }
            if names.count > LookupRequest.maxFeatures {
                throw LookupProblem(
                    .badRequest, detail: "The request names \(names.count) features; the limit is \(LookupRequest.maxFeatures).",
                    remedy: "Declare a service, or split the request.")
            }
        }
        if let asOf = request.asOf, !LookupRequest.asOfRange.contains(asOf) {
            throw LookupProblem(
                .badRequest, detail: "as_of is \(asOf) µs since the epoch, outside the years 1970 to 9999.",
                remedy: "Give microseconds since the epoch, or an RFC 3339 time.")
        }
        if let maxStaleness = request.maxStaleness, maxStaleness < 0 {
            throw LookupProblem(
                .badRequest, detail: "max_staleness is negative: \(maxStaleness) µs.", remedy: "Give 0 or more microseconds.")
        }
    }
}

/// The freshness of several shards together: the oldest, and unknown as soon as one is unknown. A shard whose topics are empty
/// has nothing to be late with and does not count.
private struct FreshnessOfShards {
    private var oldest: Microseconds?
    private var unknown = false

    mutating func add(_ freshness: Microseconds?, lag: Int64?) {
        if let freshness {
            oldest = max(oldest ?? 0, freshness)
        } else if lag != 0 {
            unknown = true
        }
    }

    var value: Microseconds? { unknown ? nil : oldest }
}
