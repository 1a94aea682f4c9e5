internal import FeatureStore

/// A plan with the parts of every answer that do not change, rendered once.
final class VectorContract: Sendable {
    let plan: VectorPlan
    /// `{"service":"homepage","version":1,"entity":"customer","as_of":`
    let jsonHead: [UInt8]
    /// `,"features":["clicks_5m",…],"results":[`
    let jsonFeatures: [UInt8]

    init(_ plan: VectorPlan) {
        self.plan = plan
        var head = JSONOutput(capacity: 128)
        head.raw("{\"service\":")
        if let service = plan.service { head.string(service) } else { head.raw("null") }
        head.raw(",\"version\":")
        if let version = plan.version { head.integer(Int64(version)) } else { head.raw("null") }
        head.raw(",\"entity\":")
        head.string(plan.entity)
        head.raw(",\"as_of\":")
        jsonHead = head.bytes
        var features = JSONOutput(capacity: 512)
        features.raw(",\"features\":")
        features.strings(plan.featureNames)
        features.raw(",\"results\":[")
        jsonFeatures = features.bytes
    }
}
