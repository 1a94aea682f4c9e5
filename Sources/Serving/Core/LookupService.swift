internal import FeatureStore

/// Answers lookups, whatever the transport: checks the request, reads the vectors, adds positions and freshness, counts and measures.
///
/// Thread-safe. `lookup` takes a few µs a key and does not suspend.
public final class LookupService: Sendable {
    public let source: LookupSource
    public let metrics: ServingMetrics
    private let contracts: ContractCache
    private let shards: ShardView

    public init(source: LookupSource) {
        self.source = source
        metrics = ServingMetrics()
        contracts = ContractCache(source: source)
        shards = ShardView(source: source)
    }

    public func lookup(_ request: LookupRequest) -> Result<LookupAnswer, LookupProblem> {
        let start = ContinuousClock.now
        let result: Result<LookupAnswer, LookupProblem>
        do throws(LookupProblem) {
            result = .success(try answer(request, now: start))
        } catch {
            result = .failure(error)
        }
        metrics.lookupEnded(result, seconds: start.duration(to: .now))
        return result
    }

    private func answer(_ request: LookupRequest, now: ContinuousClock.Instant) throws(LookupProblem) -> LookupAnswer {
        try check(request)
        let contract: VectorContract
        do throws(LookupError) {
            contract = try contracts.contract(request.selection)
        } catch {
            throw LookupProblem(error, key: nil)
        }
        let view = shards.snapshot(now: now)
        let asOf = request.asOf ?? source.now()
        var entries: [LookupAnswer.Entry] = []
        entries.reserveCapacity(request.keys.count)
        for key in request.keys {
            let vector = try read(key, contract.plan, asOf: asOf, maxStaleness: request.maxStaleness)
            entries.append(.init(key: key, vector: vector))
        }
        let used = entries.count == 1 ? entries[0].vector.shards : Set(entries.lazy.flatMap(\.vector.shards)).sorted()
        var positions: [ShardStatus.SourcePosition] = []
        var freshness = FreshnessOfShards()
        for shard in used {
            guard let status = view.status(shard: shard) else {
                freshness.add(nil, lag: nil)
                continue
            }
            positions += status.positions
            freshness.add(status.freshness, lag: status.lagEvents)
        }
        return LookupAnswer(contract: contract, asOf: asOf, freshness: freshness.value, entries: entries, positions: positions)
    }

    private func read(
        _ key: String, _ plan: VectorPlan, asOf: Int64, maxStaleness: Microseconds?
    ) throws(LookupProblem) -> Vector {
        var key = key
        // `withUTF8` does not carry typed errors, hence the Result.
        let result: Result<Vector, LookupError> = key.withUTF8 { bytes in
            do throws(LookupError) {
                return .success(try source.lookup(plan, UnsafeRawBufferPointer(bytes), asOf, maxStaleness))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let vector): return vector
        case .failure(let error): throw LookupProblem(error, key: key)
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
        for (index, key) in request.keys.enumerated() {
            let count = key.utf8.count
            if count == 0 { throw .emptyKey(at: index) }
            if count > LookupRequest.maxKeyBytes {
                throw LookupProblem(
                    .badKey, detail: "keys[\(index)] has \(count) bytes; the limit is \(LookupRequest.maxKeyBytes).",
                    remedy: "Use the key under which events are produced.")
            }
        }
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
