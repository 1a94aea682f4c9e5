/// Ten bins, about a tenth of the usual values in each: whole buckets of both sketches, so that a value is in the same bin of both.
package struct DriftBins {
    package struct Counts: Equatable {
        package var hour: Double
        package var usual: Double
    }

    package private(set) var counts: [Counts] = []
    /// Smallest value of each bin; of the first: nil.
    package private(set) var lows: [Double?] = []

    private static let bins = 10

    package init(_ hour: ValueSketch, _ usual: ValueSketch) {
        let coarseness = max(hour.coarseness, usual.coarseness)
        let hour = hour.coarsened(to: coarseness), usual = usual.coarsened(to: coarseness)
        let total = Double(usual.total)
        var a = 0, b = 0
        var bin = Counts(hour: 0, usual: 0)
        var low: Double?
        var seen = 0.0
        while a < hour.keys.count || b < usual.keys.count {
            let key = min(a < hour.keys.count ? hour.keys[a] : .max, b < usual.keys.count ? usual.keys[b] : .max)
            // A bin ends where the next bucket that the usual ones have would lead over its tenth.
            if bin.usual > 0, seen >= total * Double(counts.count + 1) / Double(Self.bins), counts.count < Self.bins - 1 {
                counts.append(bin)
                lows.append(low)
                bin = Counts(hour: 0, usual: 0)
                low = ValueSketch.bounds(key, coarseness: coarseness).low
            }
            if a < hour.keys.count, hour.keys[a] == key {
                bin.hour += Double(hour.counts[a])
                a += 1
            }
            if b < usual.keys.count, usual.keys[b] == key {
                bin.usual += Double(usual.counts[b])
                seen += Double(usual.counts[b])
                b += 1
            }
        }
        counts.append(bin)
        lows.append(low)
        joinEmpty()
    }

    /// The last may have none of the usual ones: it then belongs to the one before.
    private mutating func joinEmpty() {
        guard counts.count > 1, let last = counts.last, last.usual == 0 else { return }
        counts.removeLast()
        lows.removeLast()
        counts[counts.count - 1].hour += last.hour
    }
}
