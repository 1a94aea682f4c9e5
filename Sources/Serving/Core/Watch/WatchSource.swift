/// What the server tells of its inputs and its features' values: pages of JSON that other parts of the program make. Each may take some
/// milliseconds.
public struct WatchSource: Sendable {
    public var monitoring: @Sendable () throws(LookupProblem) -> [UInt8]
    /// `entity`: nil where the feature's name says it; `hours`: how far back.
    public var feature: @Sendable (_ feature: String, _ entity: String?, _ hours: Int) throws(LookupProblem) -> [UInt8]
    public var contracts: @Sendable () -> [UInt8]
    public var drops: @Sendable () -> [UInt8]

    public init(
        monitoring: @escaping @Sendable () throws(LookupProblem) -> [UInt8],
        feature: @escaping @Sendable (String, String?, Int) throws(LookupProblem) -> [UInt8],
        contracts: @escaping @Sendable () -> [UInt8], drops: @escaping @Sendable () -> [UInt8]
    ) {
        self.monitoring = monitoring
        self.feature = feature
        self.contracts = contracts
        self.drops = drops
    }

    /// Of a server that watches nothing.
    public static let none = WatchSource(
        monitoring: { () throws(LookupProblem) in Array(#"{"enabled":false,"features":[],"alerts":[]}"#.utf8) },
        feature: { (name, _, _) throws(LookupProblem) in throw .notMonitored(name) },
        contracts: { Array(#"{"streams":[]}"#.utf8) }, drops: { Array(#"{"drops":[]}"#.utf8) })
}

extension LookupProblem {
    public static func notMonitored(_ feature: String) -> LookupProblem {
        LookupProblem(
            .unknownFeature, detail: "The feature \"\(feature.prefix(200))\" is not monitored: monitoring is off.",
            remedy: "Turn it on with `monitoring: {enabled: true}` in the definitions.")
    }

    /// How many hours of a feature may be asked for.
    public static let monitoringHours = 1...1344

    public static func badHours(_ text: String) -> LookupProblem {
        LookupProblem(
            .badRequest, detail: "hours is \"\(text.prefix(64))\", which is no number of hours.",
            remedy: "Write a whole number from \(monitoringHours.lowerBound) to \(monitoringHours.upperBound).")
    }
}
