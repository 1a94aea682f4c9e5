/// What kind of shop `ShopGenerator` imitates. Every field has a value that suits a demonstration; each states its range, and a value
/// outside it is brought to the nearest end (`problems` names such values, for a command to refuse them).
public struct GeneratorOptions: Sendable, Equatable {
    /// The same seed and options give the same bytes.
    public var seed: UInt64 = 1
    /// 1 ... 4 · 10^9. Memory does not depend on it.
    public var customers = 100_000
    /// 1 ... 4 · 10^9.
    public var products = 10_000
    /// 1 ... 10,000, and not more than `products`.
    public var categories = 12
    /// Events per second of *event time*, averaged over a week; 10^-6 ... 10^8. How fast they are sent is the caller's affair.
    public var eventsPerSecond = 100.0
    /// The first event's time, µs since the epoch; the years 1970 to 9000. Nothing here reads a wall clock.
    public var start: Int64 = 1_764_547_200_000_000
    /// Skew of the choice of customers and products: probability of rank k is proportional to `k^-zipfExponent`; 0.01 ... 10.
    public var zipfExponent = 1.1
    /// Share of purchases among the events; 0 ... 0.5.
    public var purchaseShare = 0.04
    /// Share of events that arrive behind their time: most by up to 2 h, one in fifty by up to 3 days; 0 ... 1.
    public var lateShare = 0.01
    /// Share of events that repeat an earlier one byte for byte, within about a hundred events of it; 0 ... 0.5.
    public var duplicateShare = 0.005
    /// Share of events that come from a handful of bots, so that each of them is far busier than any customer; 0 ... 0.9.
    public var botShare = 0.01
    /// Share of events that are broken on purpose; 0 ... 1.
    public var malformedShare = 0.0
    /// Mean time between two events of one session, in seconds; 0.001 ... 3,600. More than `maxOpenSessions` at once are never kept
    /// open, so at very high rates the gaps are shorter.
    public var sessionGapSeconds = 20.0
    /// Mean number of events in one session; 1 ... 10,000.
    public var sessionLength = 8.0
    /// Bound on sessions open at once, which bounds the memory (40 bytes each); 1 ... 2^20.
    public var maxOpenSessions = 65_536
    /// Busy evenings and weekends, quiet nights (UTC); false: the same rate at all hours.
    public var diurnal = true

    public init() {}

    /// One sentence for each value that is out of its range; empty when all are fine.
    public var problems: [String] {
        var found: [String] = []
        var copy = self
        copy.clamp { name, value, range in found.append("\(name) is \(value); it must be within \(range)") }
        return found
    }

    /// These options with every value inside its range.
    var clamped: GeneratorOptions {
        var copy = self
        copy.clamp { _, _, _ in }
        return copy
    }

    private mutating func clamp(_ report: (String, String, String) -> Void) {
        func fit<T: Comparable>(_ name: String, _ value: inout T, _ range: ClosedRange<T>) {
            if range.contains(value) { return }
            report(name, "\(value)", "\(range.lowerBound) ... \(range.upperBound)")
            // NaN is on neither side: it becomes the lower end.
            value = value > range.upperBound ? range.upperBound : range.lowerBound
        }
        fit("customers", &customers, 1...4_000_000_000)
        fit("products", &products, 1...4_000_000_000)
        fit("categories", &categories, 1...min(10_000, products))
        fit("eventsPerSecond", &eventsPerSecond, 1e-6...1e8)
        fit("start", &start, 0...221_845_392_000_000_000)
        fit("zipfExponent", &zipfExponent, 0.01...10)
        fit("purchaseShare", &purchaseShare, 0...0.5)
        fit("lateShare", &lateShare, 0...1)
        fit("duplicateShare", &duplicateShare, 0...0.5)
        fit("botShare", &botShare, 0...0.9)
        fit("malformedShare", &malformedShare, 0...1)
        fit("sessionGapSeconds", &sessionGapSeconds, 0.001...3_600)
        fit("sessionLength", &sessionLength, 1...10_000)
        fit("maxOpenSessions", &maxOpenSessions, 1...1 << 20)
    }
}
