internal import FeatureStore

/// Reads the vectors of one request: kept ones where the definitions allow it, and of other entities where the service falls back to them,
/// until its deadline.
struct RequestReader {
    let service: LookupService
    let view: ShardView.Snapshot
    let asOf: Int64
    let maxStaleness: Microseconds?
    /// Kept vectors are as of now only, and may be from before a position that was asked for.
    let isNow: Bool
    /// Nothing is begun to be read after it.
    let deadline: ContinuousClock.Instant?
    /// Where a shard stood when the oldest kept vector was read of it, and how long ago that was.
    private(set) var earlier: [Int: (view: ShardView.Snapshot, age: Microseconds)] = [:]

    /// An entity's vector as its service gives it.
    mutating func vector(_ key: String, _ plan: VectorPlan) throws(LookupProblem) -> Vector {
        let vector = try made(key, plan)
        if plan.fallback != nil || plan.deadline != nil { service.metrics.degradation.note(vector) }
        return vector
    }

    private mutating func made(_ key: String, _ plan: VectorPlan) throws(LookupProblem) -> Vector {
        if isOverdue {
            var vector = Vector(found: false, values: plan.unread(), shards: [])
            if plan.fallback != nil { vector.levels = vector.values.map { $0.status == .overdue ? Vector.noLevel : 0 } }
            return vector
        }
        do throws(LookupError) {
            var vector = try read(key, plan)
            if let fallback = plan.fallback { try fill(&vector, key, plan, fallback) }
            return vector
        } catch {
            throw LookupProblem(error, key: key)
        }
    }

    private var isOverdue: Bool { deadline.map { ContinuousClock.now >= $0 } ?? false }

    private mutating func read(_ key: String, _ plan: VectorPlan) throws(LookupError) -> Vector {
        guard isNow, maxStaleness == nil, plan.cache != nil, let cache = service.caches[plan.entity], plan.takesNothing else { return try readNow(key, plan) }
        let erasures = service.source.erasureCount()
        cache.noteErasures(erasures)
        if let kept = cache.find(plan, key, now: asOf) {
            service.metrics.degradation.noteMerged(isKept: true)
            var vector = kept.vector
            vector.age = asOf - kept.asOf
            for shard in vector.shards where (earlier[shard]?.age ?? -1) < vector.age { earlier[shard] = (kept.view, vector.age) }
            return vector
        }
        service.metrics.degradation.noteMerged(isKept: false)
        let vector = try readNow(key, plan)
        cache.keep(vector, plan, key, asOf: asOf, view, erasures: erasures)
        return vector
    }

    private func readNow(_ key: String, _ plan: VectorPlan) throws(LookupError) -> Vector {
        var key = key
        var vector = Vector()
        // `withUTF8` does not carry typed errors.
        let failure: LookupError? = key.withUTF8 { bytes in
            do throws(LookupError) { try service.source.lookup(plan, UnsafeRawBufferPointer(bytes), asOf, maxStaleness, &vector) } catch { return error }
            return nil
        }
        if let failure { throw failure }
        return vector
    }

    // MARK: Levels

    /// Puts other entities' values where the entity has none, level by level.
    private mutating func fill(_ vector: inout Vector, _ key: String, _ plan: VectorPlan, _ fallback: FallbackPlan) throws(LookupError) {
        vector.levels = vector.values.map(\.status.isOpen).map { $0 ? Vector.noLevel : 0 }
        var keys: Vector?
        for (number, level) in fallback.levels.enumerated() where vector.hasGap(level) {
            if isOverdue {
                for later in fallback.levels[number...] {
                    for (feature, _) in later.sources where vector.levels[feature] == Vector.noLevel { vector.values[feature].status = .overdue }
                }
                return
            }
            var other = level.plan.entity
            if let index = level.key, let keyPlan = fallback.keys {
                if keys == nil { keys = try readNow(key, keyPlan.given(as: plan)) }
                guard let text = keys.flatMap({ FallbackPlan.key($0.values[index]) }) else { continue }
                other = text
            }
            // A level that cannot be read is passed over: that is what the next one is for.
            guard let found = try? read(other, level.plan.given(as: plan)) else { continue }
            vector.take(found, level, number + 1, plan)
        }
    }
}

extension FeatureStatus {
    /// Whether a level may give a value in its place.
    fileprivate var isOpen: Bool { self == .missing || self == .defaulted || self == .warming }
}

extension Vector {
    fileprivate func hasGap(_ level: FallbackPlan.Level) -> Bool { level.sources.contains { levels[$0.feature] == Self.noLevel } }

    fileprivate mutating func take(_ other: Vector, _ level: FallbackPlan.Level, _ number: Int, _ plan: VectorPlan) {
        for (feature, source) in level.sources where levels[feature] == Self.noLevel {
            let value = other.values[source]
            guard value.status == .present || value.status == .stale else { continue }
            values[feature] = plan.replacement(value, for: feature)
            levels[feature] = UInt8(number)
        }
        for shard in other.shards where !shards.contains(shard) { shards.append(shard) }
        age = Swift.max(age, other.age)
    }
}
