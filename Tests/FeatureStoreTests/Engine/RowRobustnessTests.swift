import FeatureStore
import TestSupport
import Testing

/// Damaged rows give `CorruptRow` or some values, never a trap.
@Suite struct RowRobustness {
    @Test(arguments: 0..<16)
    func `flipped, cut and overwritten rows do not trap`(chunk: Int) throws {
        for seed in UInt64(chunk * 40)..<UInt64(chunk * 40 + 40) {
            var random = SeededGenerator(seed: seed)
            let scenario = chunk % 2 == 0 ? Scenario(seed: seed) : Scenario(keepingEvents: seed)
            let rows = RowBuilder(scenario.definitions)
            let row = try rows.row(of: scenario.events, batches: [20, 1000])
            let newest = scenario.events.map(\.time).max()!
            for _ in 0..<60 {
                let damaged = Self.damage(row, &random)
                _ = try? rows.row(of: Array(scenario.events.shuffled(using: &random).prefix(5)), batches: [3, 2], after: damaged)
                for time in [newest, newest - .hours(2), Store.validTimes.lowerBound, Store.validTimes.upperBound] {
                    do { _ = try rows.values(of: [damaged, row], at: time) } catch { #expect(error is CorruptRow) }
                }
            }
        }
    }

    private static func damage(_ row: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var damaged = row
        switch random.int(0...4) {
        case 0: damaged.removeLast(random.int(1...row.count))
        case 1: damaged.append(contentsOf: (0..<random.int(1...9)).map { _ in random.next(upperBound: 255) })
        case 2:  // A whole number becomes an extreme one.
            let at = random.int(0...max(0, row.count - 8))
            let extreme: [UInt8] = random.pick([Array(repeating: 0xff, count: 8), Array(repeating: 0, count: 8), [0, 0, 0, 0, 0, 0, 0, 0x80], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]])
            for (i, byte) in extreme.enumerated() where at + i < row.count { damaged[at + i] = byte }
        default:
            for _ in 0..<random.int(1...4) { damaged[random.int(0...row.count - 1)] ^= UInt8(1) << random.int(0...7) }
        }
        return damaged
    }
}
