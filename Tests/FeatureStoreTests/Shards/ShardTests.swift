import FeatureStore
import Foundation
import LMDB
import TestSupport
import Testing

/// What a shard promises about its directory: batches are applied whole or not at all, and what was applied is there after reopening.
@Suite struct ShardTests {
    private let directory = TemporaryDirectory()

    private func open(_ definitions: Definitions, partitions: Int = 4, warn: (String) -> Void = { _ in }) throws -> Shard {
        try Shard(number: 0, definitions: definitions, directory: directory.path, partitionCounts: ["clicks": partitions], warn: warn)
    }

    private func clicks(_ range: Range<Int>) -> [ShardFixture.Click] {
        range.map { .init(customer: "c\($0 % 7)", time: ShardFixture.noon + Int64($0) * .seconds(1), id: UInt64($0)) }
    }

    @Test(arguments: StoreSettings.Durability.allCases)
    func `a reopened shard has the same rows, counts and positions`(durability: StoreSettings.Durability) throws {
        let definitions = ShardFixture.definitions(directory.path, durability: durability)
        let shard = try open(definitions)
        #expect(shard.nextOffset(stream: 0) == nil)
        for i in 0..<5 {
            var progress = ShardFixture.progress(next: Int64(i + 1) * 20)
            progress.drop(.malformed, stream: 0)
            // Half of each batch was in the one before.
            try shard.apply(ShardFixture.batch(clicks(max(0, i * 20 - 10)..<i * 20 + 20)), progress)
        }
        let late = ShardFixture.Click(customer: "c1", time: ShardFixture.noon - .hours(2), id: 1000)
        try shard.apply(ShardFixture.batch([late]), ShardFixture.progress(next: 101))
        let rows = try ShardFixture.rows(shard), counts = shard.counts
        #expect(counts[0].applied == 100)
        #expect(counts[0][.duplicate] == 40)
        #expect(counts[0][.late] == 1)
        #expect(counts[0][.malformed] == 5)
        #expect(rows.count == 7)
        shard.close()

        let again = try open(definitions)
        defer { again.close() }
        #expect(try ShardFixture.rows(again) == rows)
        #expect(again.counts == counts)
        #expect(again.nextOffset(stream: 0) == 101)
    }

    @Test func `a batch that meets a damaged row leaves nothing behind`() throws {
        let definitions = ShardFixture.definitions(directory.path)
        var shard = try open(definitions)
        try shard.apply(ShardFixture.batch(clicks(0..<14)), ShardFixture.progress(next: 14))
        shard.close()
        let environment = try Environment(.init(path: Shard.path(directory.path, 0), mapBytes: 1 << 20))
        let table = try environment.openTable("rows")
        let key: [UInt8] = [1] + Array("c3".utf8)
        try environment.write { transaction in
            try key.withUnsafeBytes { key throws in
                try [UInt8](repeating: 9, count: 5).withUnsafeBytes { value throws in try transaction.put(table, key, value: value) }
            }
        }
        environment.close()

        shard = try open(definitions)
        defer { shard.close() }
        let rows = try ShardFixture.rows(shard), counts = shard.counts
        #expect {
            try shard.apply(ShardFixture.batch(clicks(14..<28)), ShardFixture.progress(next: 28))
        } throws: { error in "\(error)".contains("damaged row") && "\(error)".contains("shard-0000") }
        #expect(try ShardFixture.rows(shard) == rows)
        #expect(shard.counts == counts)
        #expect(shard.nextOffset(stream: 0) == 14)
    }

    @Test func `a batch that does not fit into the largest map leaves nothing behind`() throws {
        var definitions = ShardFixture.definitions(directory.path, durability: .replay)
        definitions.store.initialMapBytes = 256 << 10
        definitions.store.maxMapBytes = 512 << 10
        let shard = try open(definitions)
        defer { shard.close() }
        try shard.apply(ShardFixture.batch(clicks(0..<14)), ShardFixture.progress(next: 14))
        let rows = try ShardFixture.rows(shard)
        let many = (0..<10_000).map { ShardFixture.Click(customer: "customer-\($0)", time: ShardFixture.noon, id: UInt64($0)) }
        #expect {
            try shard.apply(ShardFixture.batch(many), ShardFixture.progress(next: 10_014))
        } throws: { error in "\(error)".contains("max_map_size") }
        #expect(try ShardFixture.rows(shard) == rows)
        #expect(shard.nextOffset(stream: 0) == 14)
        try shard.apply(ShardFixture.batch(clicks(14..<20)), ShardFixture.progress(next: 20))
        #expect(shard.counts[0].applied == 20)
    }

    @Test func `what does not fit into the largest map is served from memory, the next batch is told, and a restart goes back`() throws {
        var definitions = ShardFixture.definitions(directory.path, durability: .commit)
        definitions.store.initialMapBytes = 256 << 10
        definitions.store.maxMapBytes = 512 << 10
        var shard = try open(definitions)
        try shard.apply(ShardFixture.batch(clicks(0..<14)), ShardFixture.progress(next: 14))
        try shard.flush()
        let rows = try ShardFixture.rows(shard)
        let many = (0..<10_000).map { ShardFixture.Click(customer: "customer-\($0)", time: ShardFixture.noon, id: UInt64($0)) }
        try shard.apply(ShardFixture.batch(many), ShardFixture.progress(next: 10_014))
        #expect { try shard.flush() } throws: { error in "\(error)".contains("map is full") }
        #expect {
            try shard.apply(ShardFixture.batch(clicks(14..<20)), ShardFixture.progress(next: 10_020))
        } throws: { error in "\(error)".contains("max_map_size") }
        #expect(shard.nextOffset(stream: 0) == 10_014)
        #expect(try ShardFixture.rows(shard).count > 9_000)
        shard.close()
        shard = try open(definitions)
        defer { shard.close() }
        #expect(shard.nextOffset(stream: 0) == 14)
        #expect(try ShardFixture.rows(shard) == rows)
        try shard.apply(ShardFixture.batch(clicks(14..<20)), ShardFixture.progress(next: 20))
        #expect(shard.counts[0].applied == 20)
    }

    /// With `kafka.start: latest` a shard without a position would begin somewhere else.
    @Test func `the first position is in the file when the first batch is applied`() throws {
        let definitions = ShardFixture.definitions(directory.path, durability: .commit)
        var shard = try open(definitions)
        try shard.apply(ShardFixture.batch(clicks(0..<14)), ShardFixture.progress(next: 14))
        shard.retire()  // Nothing is flushed, as in a crash.
        shard = try open(definitions)
        #expect(shard.nextOffset(stream: 0) == 14)
        try shard.apply(ShardFixture.batch(clicks(14..<20)), ShardFixture.progress(next: 20))
        shard.retire()
        shard = try open(definitions)
        defer { shard.close() }
        #expect(shard.nextOffset(stream: 0) == 14)
        #expect(shard.counts[0].applied == 14)
    }

    @Test func `another partition count is refused with a remedy`() throws {
        let definitions = ShardFixture.definitions(directory.path)
        try open(definitions, partitions: 4).close()
        #expect {
            try open(definitions, partitions: 6)
        } throws: { error in
            guard case ShardError.partitionCountChanged("clicks", 4, 6, _) = error else { return false }
            return "\(error)".contains("has 6 partitions") && "\(error)".contains("millrace rebuild")
        }
        try open(definitions, partitions: 4).close()
    }

    /// A system crash while a shard was open without syncing may have lost pages: the directory is thrown away and read again from the log.
    @Test func `a session of another boot is rebuilt, one of this boot goes on`() throws {
        let definitions = ShardFixture.definitions(directory.path, durability: .replay)
        let shard = try open(definitions)
        try shard.apply(ShardFixture.batch(clicks(0..<14)), ShardFixture.progress(next: 14))
        let session = Shard.path(directory.path, 0) + "/session"
        #expect(try String(contentsOfFile: session, encoding: .utf8).hasPrefix("open "))
        let boot = try String(contentsOfFile: session, encoding: .utf8)
        shard.close()
        #expect(try String(contentsOfFile: session, encoding: .utf8) == "clean\n")

        // As a killed process leaves it.
        try boot.write(toFile: session, atomically: true, encoding: .utf8)
        var warnings: [String] = []
        let same = try open(definitions) { warnings.append($0) }
        #expect(same.nextOffset(stream: 0) == 14 && warnings.isEmpty)
        same.close()

        // Written with syncing, a torn file cannot be.
        try "open 00000000-0000-0000-0000-000000000000 commit\n".write(toFile: session, atomically: true, encoding: .utf8)
        let synced = try open(definitions) { warnings.append($0) }
        #expect(synced.nextOffset(stream: 0) == 14 && warnings.isEmpty)
        synced.close()

        try "open 00000000-0000-0000-0000-000000000000 replay\n".write(toFile: session, atomically: true, encoding: .utf8)
        let rebuilt = try open(definitions) { warnings.append($0) }
        #expect(rebuilt.nextOffset(stream: 0) == nil)
        #expect(try ShardFixture.rows(rebuilt).isEmpty)
        #expect(rebuilt.counts[0].applied == 0)
        #expect(warnings.count == 1 && warnings[0].contains("rebuilt"))
        rebuilt.close()
    }
}
