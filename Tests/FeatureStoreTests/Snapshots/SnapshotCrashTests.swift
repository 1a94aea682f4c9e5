import FeatureStore
import Foundation
import TestSupport
import Testing

/// What is there when a restore ends where it should not.
struct SnapshotCrashTests {
    private static let stops: [SnapshotRestore.Stop] =
        [.loaded, .opened, .markedFirst, .marked] + GenerationFiles.Step.allCases.dropLast().map { .adopting($0) }  // after the last it is done

    @Test(arguments: stops)
    func `a restore that is killed leaves each shard old or new, and the next one gets it done`(stop: SnapshotRestore.Stop) throws {
        let fixture = SnapshotFixture()
        try SnapshotFixture.fill(fixture.definitions, from: 0, to: 1_000)
        try Snapshot.write(store: fixture.store, to: .directory(fixture.snapshot))
        let old = try SnapshotFixture.contents(fixture.store)
        try SnapshotFixture.fill(fixture.definitions, from: 1_000, to: 2_000)
        let new = try SnapshotFixture.contents(fixture.store)

        let outcome = try SnapshotRestore(fixture.definitions).run(fixture.snapshot, stop: stop)
        #expect(outcome == nil)
        func check() throws -> [Int] {
            let now = try SnapshotFixture.contents(fixture.store)
            #expect(now.keys.sorted() == [0, 1, 2])
            return now.keys.sorted().filter { number in
                let isNew = now[number]?["rows"] == new[number]?["rows"], isOld = now[number]?["rows"] == old[number]?["rows"]
                #expect(isNew != isOld, "shard \(number) is neither the old one nor the new one")
                return isOld
            }
        }
        _ = try check()
        // A server starts over what is there.
        let store = Store(fixture.definitions)
        store.setPartitionCounts(["clicks": 3])
        for number in 0..<3 { _ = try store.openShard(number) }
        let positions = (0..<3).map { store.shard($0)!.nextOffset(stream: 0) }
        store.closeAll()
        let restored = try check()
        #expect(positions == (0..<3).map { restored.contains($0) ? 1_000 : 2_000 })
        switch stop {
        case .loaded, .opened: #expect(restored == [])
        case .markedFirst: #expect(restored == [0])
        case .marked, .adopting: #expect(restored == [0, 1, 2])
        }

        try SnapshotRestore(fixture.definitions).run(fixture.snapshot)
        #expect(try check() == [0, 1, 2])
        #expect(SnapshotFixture.names(fixture.store) == ["shard-0000", "shard-0001", "shard-0002"])
    }
}

/// On a file system of a few MB that is really full.
@Suite(.enabled(if: SmallDisk.isPermitted, "mounting a tmpfs takes root"))
struct SnapshotFullDiskTests {
    @Test func `a full disk leaves nothing of a snapshot and says so`() throws {
        let fixture = SnapshotFixture()
        try SnapshotFixture.fill(fixture.definitions, from: 0, to: 20_000)
        let disk = try SmallDisk(megabytes: 4)
        try disk.fill(leaving: 64 << 10)
        do {
            try Snapshot.write(store: fixture.store, to: .directory(disk.path + "/snapshot"))
            Issue.record("it had room")
        } catch let error as SnapshotError {
            #expect(error.isDiskFull)
            #expect("\(error)".contains("No space left"))
            #expect("\(error)".contains("Free space"))
        }
        #expect(SnapshotFixture.names(disk.path) == ["ballast"])
        try disk.release()
        try Snapshot.write(store: fixture.store, to: .directory(disk.path + "/snapshot"))
        try Snapshot.verify(disk.path + "/snapshot")
    }

    @Test func `a full disk leaves the store as it was when it is restored`() throws {
        let fixture = SnapshotFixture()
        try SnapshotFixture.fill(fixture.definitions, from: 0, to: 20_000)
        try Snapshot.write(store: fixture.store, to: .directory(fixture.snapshot))
        let disk = try SmallDisk(megabytes: 32)
        let definitions = ShardFixture.definitions(disk.path + "/data")
        try SnapshotFixture.fill(definitions, from: 0, to: 1_000)
        let before = try SnapshotFixture.contents(definitions.store.directory)
        try disk.fill(leaving: 1 << 20)
        #expect { try SnapshotRestore(definitions).run(fixture.snapshot) } throws: { "\($0)".contains("Free space") }
        #expect(SnapshotFixture.names(definitions.store.directory) == ["shard-0000", "shard-0001", "shard-0002"])
        #expect(try SnapshotFixture.contents(definitions.store.directory) == before)
        try disk.release()
        try SnapshotRestore(definitions).run(fixture.snapshot)
        #expect(try SnapshotFixture.position(definitions, 0) == 20_000)
    }
}
