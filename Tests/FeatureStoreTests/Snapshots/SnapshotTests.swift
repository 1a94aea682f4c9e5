import FeatureStore
import Foundation
import LMDB
import TestSupport
import Testing

struct SnapshotTests {
    private let fixture = SnapshotFixture()

    @Test(arguments: [true, false], [true, false])
    func `what is restored is what was there, and the same tail makes the same bytes of it`(isStream: Bool, isCompressed: Bool) throws {
        try SnapshotFixture.fill(fixture.definitions, from: 0, to: 3_000)
        let original = try SnapshotFixture.contents(fixture.store)
        let place = fixture.snapshot
        if isStream {
            try SnapshotFixture.stream(fixture.store, to: place, compressed: isCompressed)
        } else {
            var options = Snapshot.Options()
            options.isCompressed = isCompressed
            try Snapshot.write(store: fixture.store, to: .directory(place), options: options)
        }
        let manifest = try Snapshot.verify(place)
        #expect(manifest.shards.map(\.number) == [0, 1, 2])
        #expect(manifest.shards.map(\.rows) == original.keys.sorted().map { original[$0]!["rows"]!.count })
        #expect(manifest.shards.allSatisfy { $0.positions.map(\.offset) == [3_000] })
        #expect(manifest.streams.map(\.name) == ["clicks"])
        #expect(manifest.views.map(\.name) == ["clicks_of_customer"])

        let other = ShardFixture.definitions(fixture.directory.file("other"))
        let outcome = try SnapshotRestore(other).run(place)
        #expect(outcome.restored == [0, 1, 2])
        #expect(outcome.untouched == [])
        #expect(SnapshotFixture.names(other.store.directory) == ["shard-0000", "shard-0001", "shard-0002"])
        try SnapshotFixture.fill(other, from: 3_000, to: 4_000)
        try SnapshotFixture.fill(fixture.definitions, from: 3_000, to: 4_000)
        #expect(try SnapshotFixture.contents(other.store.directory) == SnapshotFixture.contents(fixture.store))
        #expect(try SnapshotFixture.position(other, 1) == 4_000)
    }

    @Test func `every table of a shard is copied, whoever made it, and nothing that was deleted`() throws {
        try SnapshotFixture.fill(fixture.definitions, from: 0, to: 1_000)
        let environment = try Environment(.init(path: Shard.path(fixture.store, 1), mapBytes: 1 << 24, maxTables: 16))
        let table = try environment.openTable("tombstones"), gone = try environment.openTable("a table that is emptied")
        try environment.write { transaction in
            try Array("k".utf8).withUnsafeBytes { key in
                try Array("a value of another table".utf8).withUnsafeBytes { try transaction.put(table, key, value: $0) }
                try Array("the deleted needle".utf8).withUnsafeBytes { try transaction.put(gone, key, value: $0) }
            }
        }
        try environment.write { try $0.clear(gone) }
        environment.close()
        #expect(try Data(contentsOf: URL(fileURLWithPath: Shard.path(fixture.store, 1) + "/data.mdb")).range(of: Data("the deleted needle".utf8)) != nil)

        var options = Snapshot.Options()
        options.isCompressed = false
        try Snapshot.write(store: fixture.store, to: .directory(fixture.snapshot), options: options)
        let file = try Data(contentsOf: URL(fileURLWithPath: fixture.snapshot + "/shard-0001"))
        #expect(file.range(of: Data("a value of another table".utf8)) != nil)
        #expect(file.range(of: Data("the deleted needle".utf8)) == nil)
        let other = ShardFixture.definitions(fixture.directory.file("other"))
        try SnapshotRestore(other).run(fixture.snapshot)
        let restored = try SnapshotFixture.contents(shard: Shard.path(other.store.directory, 1))
        #expect(restored["tombstones"] == [Array("k".utf8): Array("a value of another table".utf8)])
        #expect(restored["a table that is emptied"]?.count == 0)
    }

    @Test func `one shard is restored and the others stay`() throws {
        try SnapshotFixture.fill(fixture.definitions, from: 0, to: 1_000)
        try Snapshot.write(store: fixture.store, to: .directory(fixture.snapshot))
        let old = try SnapshotFixture.contents(fixture.store)
        try SnapshotFixture.fill(fixture.definitions, from: 1_000, to: 2_000)
        let new = try SnapshotFixture.contents(fixture.store)
        let outcome = try SnapshotRestore(fixture.definitions, only: [1]).run(fixture.snapshot)
        #expect(outcome.restored == [1])
        #expect(outcome.untouched == [0, 2])
        let now = try SnapshotFixture.contents(fixture.store)
        #expect(now[0] == new[0])
        #expect(now[2] == new[2])
        #expect(now[1]?["rows"] == old[1]?["rows"])
        #expect { try SnapshotRestore(fixture.definitions, only: [7]).run(fixture.snapshot) } throws: { "\($0)".contains("no shard 7") }
    }

    @Test func `a store that is open is not replaced`() throws {
        try SnapshotFixture.fill(fixture.definitions, from: 0, to: 1_000)
        try Snapshot.write(store: fixture.store, to: .directory(fixture.snapshot))
        let store = Store(fixture.definitions)
        store.setPartitionCounts(["clicks": 3])
        _ = try store.openShard(0)
        #expect { try SnapshotRestore(fixture.definitions).run(fixture.snapshot) } throws: { "\($0)".contains("a server has the store open") }
        store.closeAll()
        try SnapshotRestore(fixture.definitions).run(fixture.snapshot)
    }

    @Test func `a shard is not opened while its store is being restored`() throws {
        try SnapshotFixture.fill(fixture.definitions, from: 0, to: 1_000)
        try Snapshot.write(store: fixture.store, to: .directory(fixture.snapshot))
        var refusal = ""
        try SnapshotRestore(fixture.definitions).run(fixture.snapshot, progress: { _ in
            guard refusal.isEmpty else { return }
            let store = Store(fixture.definitions)
            do { _ = try store.openShard(2) } catch { refusal = "\(error)" }
            store.openAhead()
            #expect(store.shards.isEmpty)
        })
        #expect(refusal.contains("is being restored"))
    }

    @Test func `definitions that changed are refused and nothing is replaced; new ones start empty`() throws {
        try SnapshotFixture.fill(fixture.definitions, from: 0, to: 1_000)
        try Snapshot.write(store: fixture.store, to: .directory(fixture.snapshot))
        try SnapshotFixture.fill(fixture.definitions, from: 1_000, to: 1_500)
        let before = try SnapshotFixture.contents(fixture.store)
        var changed = fixture.definitions
        changed.views[0].features[0] = .init(
            name: "clicks_of_customer_n_1h", aggregation: .count(field: nil), window: .sliding(length: .hours(2), hop: .minutes(1)))
        #expect { try SnapshotRestore(changed).run(fixture.snapshot) } throws: {
            "\($0)".contains("view `clicks_of_customer` is defined differently")
        }
        #expect(try SnapshotFixture.contents(fixture.store) == before)
        #expect(SnapshotFixture.names(fixture.store) == ["shard-0000", "shard-0001", "shard-0002"])

        var more = fixture.definitions
        more.views.append(ShardFixture.view("clicks_too"))
        try SnapshotRestore(more).run(fixture.snapshot)
        let store = Store(more)
        store.setPartitionCounts(["clicks": 3])
        _ = try store.openShard(0)
        // The fixture fills shards without asking the partitioner; lookups ask it.
        let key = try #require((0..<1_000).map { "customer-0-\($0)" }.first { key in
            Array(key.utf8).withUnsafeBytes { more.streams[0].partitioner.partition(of: $0, count: 3) == 0 }
        })
        let vector = try ShardFixture.lookup(store, ["clicks_of_customer_n", "clicks_too_n"], key, at: ShardFixture.noon + .hours(1))
        #expect(vector.values[0].value == .int(1))
        #expect(vector.values[1].status == .warming)
        store.closeAll()
    }

    @Test func `a generation that another build has left is not thrown away`() throws {
        try SnapshotFixture.fill(fixture.definitions, from: 0, to: 1_000)
        try Snapshot.write(store: fixture.store, to: .directory(fixture.snapshot))
        let build = GenerationBuild(fixture.definitions, source: "kafka", partitionCounts: ["clicks": 3])
        _ = try build.open(1)
        build.close()
        #expect { try SnapshotRestore(fixture.definitions).run(fixture.snapshot) } throws: { "\($0)".contains("a generation from kafka is being built") }
        #expect(Generation.all(in: fixture.store).map(\.shard) == [1])
        try Generation.discardAll(in: fixture.store)
        try SnapshotRestore(fixture.definitions).run(fixture.snapshot)
    }

    @Test func `a snapshot has its name only when it is whole, and its place is not taken twice`() throws {
        try SnapshotFixture.fill(fixture.definitions, from: 0, to: 1_000)
        #expect(throws: SnapshotError.self) {
            try Snapshot.write(store: fixture.store, to: .directory(fixture.snapshot), isInterrupted: { true })
        }
        #expect(SnapshotFixture.names(fixture.directory.path) == ["data"])
        // What a killed process has left is in nobody's way.
        try FileManager.default.createDirectory(atPath: fixture.snapshot + ".partial", withIntermediateDirectories: true)
        FileManager.default.createFile(atPath: fixture.snapshot + ".partial/shard-0000", contents: Data("half".utf8))
        #expect { try Snapshot.verify(fixture.snapshot + ".partial") } throws: { "\($0)".contains("never finished") }
        try Snapshot.write(store: fixture.store, to: .directory(fixture.snapshot))
        #expect(SnapshotFixture.names(fixture.directory.path) == ["data", "snapshot"])
        #expect { try Snapshot.write(store: fixture.store, to: .directory(fixture.snapshot)) } throws: { "\($0)".contains("exists") }
        #expect { try Snapshot.write(store: fixture.directory.file("nothing"), to: .directory(fixture.snapshot + "2")) } throws: {
            "\($0)".contains("no shard here")
        }
    }

    @Test func `the newest snapshots are kept and what was never finished goes`() throws {
        try SnapshotFixture.fill(fixture.definitions, from: 0, to: 100)
        let place = fixture.directory.file("backups")
        var names: [String] = []
        for n in 0..<5 {
            names.append(SnapshotList.name(at: ShardFixture.noon + .hours(Int64(n) * 7)))
            try Snapshot.write(store: fixture.store, to: .directory(place + "/" + names[n]))
        }
        #expect(names[0] == "2023-11-14T22-13-20Z")
        for other in ["2020-01-01T00-00-00Z.partial", "2020-01-01T00-00-01Z", "mine"] {
            try FileManager.default.createDirectory(atPath: place + "/" + other, withIntermediateDirectories: true)
        }
        #expect(SnapshotList.names(in: place) == names)
        #expect(try SnapshotList.prune(place, keep: 2) == Array(names[..<3]))
        #expect(SnapshotFixture.names(place) == Array(names[3...]) + ["mine"])
        for name in names[3...] { try Snapshot.verify(place + "/" + name) }
    }
}
