import FeatureStore
import TestSupport
import Testing

/// What a lookup costs more when rows lie under pseudonyms.
@Suite(.serialized) struct PseudonymCostTests {
    private let directory = TemporaryDirectory()

    @Test func `a lookup by pseudonym costs little more than one by id`() throws {
        let key = "0123456789abcdeffedcba9876543210"
        let stores = try [false, true].map { isPseudonymous in
            let definitions = PrivacyFixture.definitions("\(directory.path)/\(isPseudonymous)", key: key, isPseudonymous: isPseudonymous)
            let store = Store(definitions)
            store.setPartitionCounts(PrivacyFixture.topics)
            let shard = try store.openShard(0)
            for round in 0..<20 {
                let steps = (0..<500).map { n in
                    PrivacyFixture.Step.click(.init(customer: "customer-\(n)", time: ShardFixture.noon + Int64(round) * .minutes(1), id: UInt64(round)))
                }
                try shard.apply(PrivacyFixture.batch(steps), PrivacyFixture.progress(clicks: Int64(round)))
            }
            return store
        }
        defer { for store in stores { store.closeAll() } }
        var best: [Duration] = [.seconds(1_000), .seconds(1_000)]
        let keys = (0..<500).map { Array("customer-\($0)".utf8) }
        // Side by side, so that a busy machine is busy for both; the best of many rounds.
        for _ in 0..<40 {
            for (i, store) in stores.enumerated() {
                let plan = try store.plan(features: ["clicks_of_customer_n_1h", "clicks_of_customer_sum", "clicks_of_customer_last"])
                let began = ContinuousClock.now
                for key in keys { _ = try key.withUnsafeBytes { try store.lookup(plan, key: $0, asOf: ShardFixture.noon + .hours(1)) } }
                best[i] = min(best[i], ContinuousClock.now - began)
            }
        }
        let nanoseconds = best.map { Double($0.components.attoseconds) / 1e9 / Double(keys.count) }
        print("a lookup: \(Int(nanoseconds[0])) ns by id, \(Int(nanoseconds[1])) ns by pseudonym")
        #expect(nanoseconds[1] < nanoseconds[0] * 1.5 + 100)
    }
}
