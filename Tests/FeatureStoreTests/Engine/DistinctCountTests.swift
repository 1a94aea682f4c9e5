import FeatureStore
import Testing

/// Distinct counts beyond what is exact.
@Suite struct DistinctCounts {
    private static let definitions = Definitions(
        name: "distinct", entities: [.init(name: "customer")],
        streams: [.init(
            name: "s", topic: "s", keys: [.init(entity: "customer", path: .init("customer"))],
            time: .init(path: .init("time"), format: .epochMicroseconds), fields: [.init(name: "n", type: .int64)])],
        views: [.init(
            name: "v", entity: "customer", stream: "s",
            features: [
                .init(name: "hour", aggregation: .distinctCount(field: "n"), window: .sliding(length: .hours(1), hop: .minutes(1))),
                .init(name: "ever", aggregation: .distinctCount(field: "n"), window: .lifetime),
            ])])

    /// In one tile, in two, and in so many that none of them is ever full.
    @Test(arguments: [200, 256, 257, 400, 1000, 4000, 20_000], [1, 2, 50])
    func `the estimate is the formula's, near the truth, and exact up to 256`(count: Int, minutes: Int) throws {
        let base = floorTime(1_700_000_000_000_000, .hours(1))
        let events = (0..<count).map { i in
            OracleEvent(
                stream: 0, time: base + Int64(i % minutes) * .minutes(1), id: UInt64(i), fields: [.integer(Int64(i) * 7919)])
        }
        let rows = RowBuilder(Self.definitions)
        let row = try rows.row(of: events, batches: Array(repeating: 997, count: count / 997 + 1))
        let values = try rows.values(of: [row], at: base + .minutes(55))
        var oracle = OracleRow(Self.definitions)
        for event in events { _ = oracle.offer(event) }
        for (feature, value) in zip(Self.definitions.views[0].features, values) {
            let answer = oracle.answer(feature, of: Self.definitions.views[0], passes: { _ in true }, at: base + .minutes(55))
            #expect(value == answer.value, "\(feature.name)")
            guard case .int(let estimate) = value.value else { continue }
            let error = abs(Double(estimate) - Double(count)) / Double(count)
            #expect(count <= 256 ? estimate == Int64(count) : error < 4 * 1.04 / (2048.0).squareRoot(), "\(feature.name): \(estimate) of \(count)")
        }
    }
}
