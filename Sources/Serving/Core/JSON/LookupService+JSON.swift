internal import FeatureStore

extension LookupService {
    /// `GET /v1/services`: every service with its contract.
    public func servicesJSON() -> [UInt8] {
        var out = JSONOutput(capacity: 2048)
        out.raw("{\"services\":[")
        var first = true
        for definition in source.definitions.services {
            guard let plan = try? source.planService(definition.name) else { continue }
            if !first { out.raw(",") }
            first = false
            out.service(definition, plan)
        }
        out.raw("]}")
        return out.bytes
    }

    /// `GET /v1/services/{service}`: names and types in the order of the vector.
    public func serviceJSON(_ name: String) -> Result<[UInt8], LookupProblem> {
        do throws(LookupError) {
            let plan = try source.planService(name)
            let definition = source.definitions.services.first { $0.name == name }
                ?? ServiceDefinition(name: name, version: plan.version ?? 1, entity: plan.entity, features: plan.featureNames)
            var out = JSONOutput(capacity: 1024)
            out.service(definition, plan)
            return .success(out.bytes)
        } catch {
            return .failure(LookupProblem(error, key: nil))
        }
    }

    /// `GET /v1/shards`: where each shard stands, unbuffered.
    public func shardsJSON() -> [UInt8] {
        var out = JSONOutput(capacity: 1024)
        out.raw(source.isAssigned() ? "{\"assigned\":true,\"shards\":[" : "{\"assigned\":false,\"shards\":[")
        for (index, status) in source.shardStatuses().enumerated() {
            if index > 0 { out.raw(",") }
            out.shard(status)
        }
        out.raw("]}")
        return out.bytes
    }
}

extension JSONOutput {
    fileprivate mutating func service(_ definition: ServiceDefinition, _ plan: VectorPlan) {
        raw("{\"service\":")
        string(definition.name)
        raw(",\"version\":")
        integer(Int64(plan.version ?? definition.version))
        raw(",\"entity\":")
        string(plan.entity)
        raw(",\"description\":")
        string(definition.description)
        raw(",\"max_staleness_ms\":")
        if let maxStaleness = plan.maxStaleness { decimal(units: Int128(maxStaleness), scale: 3) } else { raw("null") }
        raw(",\"features\":[")
        for (index, (name, type)) in zip(plan.featureNames, plan.types).enumerated() {
            raw(index > 0 ? ",{\"name\":" : "{\"name\":")
            string(name)
            raw(",\"type\":")
            string(type.description)
            raw("}")
        }
        raw("]}")
    }

    fileprivate mutating func shard(_ status: ShardStatus) {
        raw("{\"shard\":")
        integer(Int64(status.shard))
        raw(",\"state\":")
        string(status.state.rawValue)
        raw(",\"reason\":")
        if let reason = status.reason { string(reason) } else { raw("null") }
        raw(",\"lag_events\":")
        if let lag = status.lagEvents { integer(lag) } else { raw("null") }
        raw(",\"freshness_ms\":")
        if let freshness = status.freshness { decimal(units: Int128(freshness), scale: 3) } else { raw("null") }
        raw(",\"rows\":")
        integer(Int64(status.rows))
        raw(",\"map_bytes\":")
        integer(Int64(status.mapBytes))
        raw(",\"used_bytes\":")
        integer(Int64(status.usedBytes))
        raw(",\"positions\":")
        positions(status.positions)
        raw("}")
    }
}
