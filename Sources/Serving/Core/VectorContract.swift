internal import FeatureStore
internal import JSONBytes

/// A plan with the parts of every answer that do not change, rendered once.
final class VectorContract: Sendable {
    let plan: VectorPlan
    /// `"service":"homepage","version":1,"entity":"customer"`
    let jsonHead: [UInt8]
    /// `"features":["clicks_5m",…]`
    let jsonFeatures: [UInt8]
    let log: ServedLog?
    /// Read in one step, and answered without levels and ages.
    let isPlain: Bool
    /// Whether values may be kept ones, so that each vector says how old it is.
    let statesAge: Bool

    init(_ plan: VectorPlan, log: ServedLogDefinition? = nil) {
        self.plan = plan
        self.log = log.map { ServedLog($0) }
        isPlain = plan.fallback == nil && plan.deadline == nil && plan.cache == nil
        statesAge = plan.cache != nil || plan.fallback?.levels.contains { $0.plan.cache != nil } ?? false
        var head = JSONWriter()
        head.key("service")
        if let service = plan.service { head.string(service) } else { head.null() }
        head.key("version")
        if let version = plan.version { head.int(Int64(version)) } else { head.null() }
        head.member("entity", plan.entity)
        jsonHead = head.bytes
        var features = JSONWriter(reservingBytes: 1024)
        features.key("features")
        features.strings(plan.featureNames)
        jsonFeatures = features.bytes
    }
}
