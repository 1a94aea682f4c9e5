import FeatureStore
import Foundation
import TestSupport
import Testing

@Suite struct RetentionTests {
    private let directory = TemporaryDirectory()

    /// Rows of random definitions, with late events, kept events, retractions and attribution: nothing is ever older than declared.
    @Test(arguments: [false, true])
    func `nothing is kept longer than declared`(keepsEvents: Bool) throws {
        var parts: [RetentionReport.Part] = []
        for seed in UInt64(0)..<60 {
            let scenario = keepsEvents ? Scenario(keepingEvents: seed) : Scenario(seed: seed)
            var definitions = scenario.definitions
            definitions.store.directory = "\(directory.path)/\(seed)"
            definitions.store.initialMapBytes = 1 << 20
            let store = Store(definitions)
            store.setPartitionCounts(Dictionary(uniqueKeysWithValues: definitions.streams.map { ($0.topic, 1) }))
            defer { store.closeAll() }
            let shard = try store.openShard(0)
            let memory = EventMemory(), batch = EventBatch()
            for (n, event) in scenario.events.enumerated() {
                let count = 1 + event.fields.count
                memory.withValues(event, key: "k\(n % 3)") { batch.reserveValues(count).update(from: $0, count: count) }
                batch.append(stream: Int32(event.stream), time: event.time, id: event.id, valueCount: count)
            }
            try shard.apply(batch, BatchProgress(streamCount: definitions.streams.count))
            let report = try store.retentionReport(now: scenario.events.map(\.time).max()!)
            #expect(report.isKept, "seed \(seed): \(report)")
            #expect(report.rows == min(3, scenario.events.count) && report.shards == 1)
            for part in report.parts {
                if let declared = part.declared { #expect(part.longest <= declared, "seed \(seed): \(part)") }
            }
            parts += report.parts
        }
        #expect(parts.contains { $0.kind == .ids && $0.oldest != nil } && parts.contains { $0.kind == .view && $0.longest > 0 })
        if keepsEvents { #expect(parts.contains { $0.kind == .retractions && $0.rows > 0 } && parts.contains { $0.kind == .attribution && $0.rows > 0 }) }
    }

    @Test func `what would be pruned and who is idle is told`() throws {
        let definitions = ShardFixture.definitions(directory.path)
        let store = Store(definitions)
        store.setPartitionCounts(["clicks": 1])
        defer { store.closeAll() }
        let shard = try store.openShard(0)
        try shard.apply(
            ShardFixture.batch((0..<5_000).map { .init(customer: "c\($0)", time: ShardFixture.noon + Int64($0) * .minutes(1), id: UInt64($0)) }),
            ShardFixture.progress(next: 5_000))
        let now = ShardFixture.noon + 4_999 * .minutes(1)
        let report = try store.retentionReport(now: now)
        #expect(report.rows == 5_000 && report.isKept && "\(report)".contains("nothing is kept longer than declared"))
        let ids = try #require(report.parts.first { $0.kind == .ids })
        // Allowed lateness is one hour.
        #expect(ids.rows == 5_000 && ids.prunable == 5_000 - 61 && ids.oldest == ShardFixture.noon)
        #expect(report.ages[0].rows == [1_441, 3_559, 0, 0, 0, 0])
        let idle = try store.idleRows(olderThan: .days(3), now: now)
        #expect(idle.count == 5_000 - 1 - 3 * 1_440 && idle.contains { $0.key == "c0" } && !idle.contains { $0.key == "c4999" })
    }

    /// A definition that declares less than rows were written with cannot be opened, so the fault is made in the bytes.
    @Test func `something older than declared is found`() throws {
        var definitions = ShardFixture.definitions(directory.path)
        definitions.views[0].features = [definitions.views[0].features[0]]
        let shard = try Shard(number: 0, definitions: definitions, directory: directory.path, partitionCounts: ["clicks": 1])
        try shard.apply(
            ShardFixture.batch([0, 50].map { .init(customer: "c", time: ShardFixture.noon + $0 * .minutes(1), id: UInt64($0)) }),
            ShardFixture.progress(next: 2))
        var row = try #require(try ShardFixture.rows(shard)["c"])
        shard.close()
        // The oldest tile lies at the end: start UInt32, count UInt64.
        let at = row.count - 12
        let start = row.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: at, as: UInt32.self) }
        row.withUnsafeMutableBytes { $0.storeBytes(of: start - 7_200, toByteOffset: at, as: UInt32.self) }
        try RawRow.put(row, key: [1] + Array("c".utf8), in: directory.path + "/shard-0000")
        let store = Store(definitions)
        defer { store.closeAll() }
        try store.openExisting()
        let report = try store.retentionReport(now: ShardFixture.noon + .hours(1))
        #expect(!report.isKept && report.violations == 1 && "\(report)".contains("kept longer than declared"))
    }
}
