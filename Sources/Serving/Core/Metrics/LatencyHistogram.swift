internal import Synchronization

/// Counts of durations in fixed buckets from 1 µs to 1 s. Lock-free: an observation is two relaxed additions.
///
/// A reading taken while observations arrive may miss some of them in the sum and not in the counts; it never goes backwards.
public final class LatencyHistogram: Sendable {
    /// Upper bounds in ns: 1, 2, 5, 10, ... µs up to 1 s, three a decade.
    static let boundsNanoseconds: [Int64] = [
        1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
        1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 50_000_000, 100_000_000, 200_000_000, 500_000_000, 1_000_000_000,
    ]
    private let buckets = InlineArray<20, Atomic<UInt64>> { _ in Atomic(0) }
    private let sumNanoseconds = Atomic<UInt64>(0)

    public init() {}

    public func observe(_ duration: Duration) {
        let parts = duration.components
        // Past a century it does not matter how long: no overflow.
        let nanoseconds = parts.seconds > 3_000_000_000 ? 3_000_000_000_000_000_000
            : max(0, parts.seconds) * 1_000_000_000 + max(0, parts.attoseconds / 1_000_000_000)
        var bucket = 0
        while bucket < 19, nanoseconds > Self.boundsNanoseconds[bucket] { bucket += 1 }
        buckets[bucket].wrappingAdd(1, ordering: .relaxed)
        sumNanoseconds.wrappingAdd(UInt64(nanoseconds), ordering: .relaxed)
    }

    /// Observations so far.
    public var count: UInt64 { (0..<20).reduce(0) { $0 &+ buckets[$1].load(ordering: .relaxed) } }

    public func family(name: String, help: String) -> MetricFamily {
        .histogram(
            name: name, help: help, bounds: Self.boundsNanoseconds.map { Double($0) / 1e9 },
            counts: (0..<20).map { buckets[$0].load(ordering: .relaxed) },
            sum: Double(sumNanoseconds.load(ordering: .relaxed)) / 1e9)
    }
}
