internal import FeatureStore
public import JSONBytes

extension LookupService {
    /// `GET /v1/services`: every service that `isSeen`, with its contract.
    public func writeServices(to json: inout JSONWriter, isSeen: (String) -> Bool = { _ in true }) {
        json.beginObject()
        json.key("services")
        json.beginArray()
        for definition in source.definitions.services where isSeen(definition.name) {
            guard let plan = try? source.planService(definition.name) else { continue }
            json.service(definition, plan, classifications)
        }
        json.endArray()
        json.endObject()
    }

    /// `GET /v1/services/{service}`: names and types in the order of the vector.
    public func writeService(_ name: String, to json: inout JSONWriter) throws(LookupProblem) {
        let plan: VectorPlan
        do throws(LookupError) { plan = try source.planService(name) } catch { throw LookupProblem(error, key: nil) }
        let definition = source.definitions.services.first { $0.name == name }
            ?? ServiceDefinition(name: name, version: plan.version ?? 1, entity: plan.entity, features: plan.featureNames)
        json.service(definition, plan, classifications)
    }

    /// `GET /v1/shards`: where each shard stands, unbuffered.
    public func writeShards(to json: inout JSONWriter) {
        json.beginObject()
        json.key("assigned")
        json.bool(source.isAssigned())
        json.key("shards")
        json.beginArray()
        for status in source.shardStatuses() { json.shard(status) }
        json.endArray()
        json.endObject()
    }
}

extension JSONWriter {
    fileprivate mutating func service(_ definition: ServiceDefinition, _ plan: VectorPlan, _ classifications: FeatureClassifications) {
        beginObject()
        member("service", definition.name)
        key("version")
        int(Int64(plan.version ?? definition.version))
        member("entity", plan.entity)
        member("description", definition.description)
        milliseconds("max_staleness_ms", plan.maxStaleness)
        key("features")
        beginArray()
        for (name, type) in zip(plan.featureNames, plan.types) {
            beginObject()
            member("name", name)
            member("type", type.description)
            classification(classifications[plan.entity, name])
            endObject()
        }
        endArray()
        key("inputs")
        beginArray()
        for input in plan.inputs {
            beginObject()
            member("name", input.name)
            member("type", input.type.description)
            key("default")
            value(input.defaultValue ?? .null)
            endObject()
        }
        endArray()
        key("packed")
        packed(plan.columns)
        endObject()
    }

    private mutating func commits(_ commits: CommitStatistics) {
        beginObject()
        member("batches", commits.batches)
        member("events", commits.events)
        key("applying_ms")
        decimal(units: Int128(commits.applying / .microseconds(1)), scale: 3)
        key("committing_ms")
        decimal(units: Int128(commits.committing / .microseconds(1)), scale: 3)
        member("largest_batch", commits.largestBatch)
        endObject()
    }

    fileprivate mutating func shard(_ status: ShardStatus) {
        beginObject()
        key("shard")
        int(Int64(status.shard))
        member("state", status.state.rawValue)
        key("reason")
        optional(status.reason) { $0.string($1) }
        key("lag_events")
        optional(status.lagEvents) { $0.int($1) }
        milliseconds("freshness_ms", status.freshness)
        key("rows")
        int(Int64(status.rows))
        key("map_bytes")
        int(Int64(status.mapBytes))
        key("used_bytes")
        int(Int64(status.usedBytes))
        key("catching_up")
        bool(status.isNextCatchingUp)
        key("commits")
        commits(status.commits)
        key("positions")
        positions(status.positions)
        endObject()
    }
}
