internal import FeatureStore
internal import Synchronization

/// How often services gave something else than what the store has at this moment: for whoever is on call, a shop that lives on its defaults
/// looks healthy otherwise.
final class DegradationMetrics: Sendable {
    private let fallbacks = Atomic<UInt64>(0)
    private let overdue = Atomic<UInt64>(0)
    private let kept = Atomic<UInt64>(0)
    private let read = Atomic<UInt64>(0)

    func note(_ vector: Vector) {
        var replaced: UInt64 = 0, late: UInt64 = 0
        for value in vector.values {
            if value.status == .fallback { replaced += 1 }
            if value.status == .overdue { late += 1 }
        }
        if replaced > 0 { fallbacks.wrappingAdd(replaced, ordering: .relaxed) }
        if late > 0 { overdue.wrappingAdd(late, ordering: .relaxed) }
    }

    /// A vector that may be a kept one.
    func noteMerged(isKept: Bool) { _ = isKept ? kept.wrappingAdd(1, ordering: .relaxed) : read.wrappingAdd(1, ordering: .relaxed) }

    func families() -> [MetricFamily] {
        func load(_ counter: borrowing Atomic<UInt64>) -> Double { Double(counter.load(ordering: .relaxed)) }
        return [
            MetricFamily(
                name: "millrace_degraded_values_total", help: "Values that a service took from a level it falls back to, or did not read in time.",
                kind: .counter, samples: [
                    .init(load(fallbacks), labels: [("status", "fallback")]), .init(load(overdue), labels: [("status", "overdue")]),
                ]),
            MetricFamily(
                name: "millrace_merged_vectors_total", help: "Vectors of entities with a cache: kept ones, and those read from the shards.",
                kind: .counter, samples: [
                    .init(load(kept), labels: [("source", "kept")]), .init(load(read), labels: [("source", "shards")]),
                ]),
        ]
    }
}
