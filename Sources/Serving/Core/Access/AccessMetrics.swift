internal import Synchronization

/// What the guard counts.
public final class AccessMetrics: Sendable {
    private let unauthenticated = Atomic<UInt64>(0)
    private let permissionDenied = Atomic<UInt64>(0)
    private let tooManyFailures = Atomic<UInt64>(0)

    public func refused(_ kind: LookupProblem.Kind) {
        switch kind {
        case .unauthenticated: unauthenticated.wrappingAdd(1, ordering: .relaxed)
        case .permissionDenied: permissionDenied.wrappingAdd(1, ordering: .relaxed)
        case .tooManyFailures: tooManyFailures.wrappingAdd(1, ordering: .relaxed)
        default: break
        }
    }

    public func families() -> [MetricFamily] {
        [
            MetricFamily(
                name: "millrace_access_refused_total",
                help: "Requests that were not allowed: unauthenticated (no credential, or a wrong one), permission-denied, too-many-failures (the address has sent too many wrong ones).",
                kind: .counter,
                samples: [
                    (LookupProblem.Kind.unauthenticated, unauthenticated.load(ordering: .relaxed)),
                    (.permissionDenied, permissionDenied.load(ordering: .relaxed)), (.tooManyFailures, tooManyFailures.load(ordering: .relaxed)),
                ].map { MetricFamily.Sample(Double($0.1), labels: [("reason", $0.0.rawValue)]) })
        ]
    }
}
