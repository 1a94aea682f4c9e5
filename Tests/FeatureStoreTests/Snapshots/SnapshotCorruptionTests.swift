import FeatureStore
import Foundation
import TestSupport
import Testing

/// Damages snapshots at random, a thousand times each way; every damage must be found, and none may be restored.
struct SnapshotCorruptionTests {
    private static let rounds = 1_000

    @Test(arguments: [UInt64(1), 2])
    func `a thousand random corruptions of a snapshot in files are all detected`(seed: UInt64) throws {
        let fixture = SnapshotFixture()
        try SnapshotFixture.fill(fixture.definitions, from: 0, to: 1_000)
        try SnapshotFixture.files(fixture.store, to: fixture.snapshot, blockBytes: 16 << 10)
        try SnapshotFixture.fill(fixture.definitions, from: 1_000, to: 1_100)
        // A later snapshot of the same store: its files are right, but not this one's.
        try SnapshotFixture.files(fixture.store, to: fixture.directory.file("later"), blockBytes: 16 << 10)
        let names = SnapshotFixture.names(fixture.snapshot)
        #expect(names == ["manifest.json", "shard-0000", "shard-0001", "shard-0002"])
        let whole = try files(fixture.snapshot), later = try files(fixture.directory.file("later"))
        try Snapshot.verify(fixture.snapshot)

        var random = SeededGenerator(seed: seed)
        var kinds: [String: Int] = [:]
        for round in 0..<Self.rounds {
            var damaged = whole
            let kind = Self.damage(&damaged, names, later, &random)
            guard damaged != whole else { continue }
            kinds[kind, default: 0] += 1
            try replace(fixture.snapshot, whole, damaged)
            expectDamaged(fixture.snapshot, "seed \(seed), round \(round): \(kind)")
            try replace(fixture.snapshot, damaged, whole)
        }
        #expect(kinds.values.reduce(0, +) >= Self.rounds * 95 / 100)
        #expect(kinds.count == 11)
        try Snapshot.verify(fixture.snapshot)
    }

    @Test(arguments: [UInt64(3), 4])
    func `a thousand random corruptions of a stream are all detected`(seed: UInt64) throws {
        let fixture = SnapshotFixture()
        try SnapshotFixture.fill(fixture.definitions, from: 0, to: 1_000)
        let path = fixture.snapshot
        try SnapshotFixture.stream(fixture.store, to: path, blockBytes: 16 << 10)
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        try Snapshot.verify(path)
        var random = SeededGenerator(seed: seed)
        var done = 0
        for round in 0..<Self.rounds {
            var damaged = whole
            let kind = Self.damage(&damaged, &random)
            guard damaged != whole else { continue }
            done += 1
            try damaged.write(to: URL(fileURLWithPath: path))
            expectDamaged(path, "seed \(seed), round \(round): \(kind)")
        }
        #expect(done >= Self.rounds * 95 / 100)
        try whole.write(to: URL(fileURLWithPath: path))
        try Snapshot.verify(path)
    }

    @Test func `whole sections of a stream cannot be left out, repeated or put in another order`() throws {
        let fixture = SnapshotFixture()
        try SnapshotFixture.fill(fixture.definitions, from: 0, to: 500)
        let path = fixture.snapshot
        try SnapshotFixture.stream(fixture.store, to: path)
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        var parts: [Data] = [], rest = whole
        for shard in try Snapshot.verify(path).shards {
            parts.append(rest.prefix(shard.fileBytes))
            rest = rest.dropFirst(shard.fileBytes)
        }
        let orders: [[Int]] = [[0, 1], [1, 2], [0, 1, 2, 2], [0, 0, 1, 2], [1, 0, 2], [2, 1, 0], []]
        for order in orders {
            try (order.reduce(Data()) { $0 + parts[$1] } + rest).write(to: URL(fileURLWithPath: path))
            expectDamaged(path, "sections \(order)")
        }
        for data in [whole + rest, whole + parts[0], whole.dropLast(rest.count), Data()] {
            try data.write(to: URL(fileURLWithPath: path))
            expectDamaged(path, "\(data.count) bytes")
        }
        try (parts[0] + parts[1] + parts[2] + rest).write(to: URL(fileURLWithPath: path))
        try Snapshot.verify(path)
    }

    @Test func `nothing of a damaged snapshot is restored`() throws {
        let fixture = SnapshotFixture()
        try SnapshotFixture.fill(fixture.definitions, from: 0, to: 4_000)
        try Snapshot.write(store: fixture.store, to: .directory(fixture.snapshot))
        try SnapshotFixture.fill(fixture.definitions, from: 4_000, to: 4_500)
        let before = try SnapshotFixture.contents(fixture.store)
        // In the last shard, so that all others have been read when it shows.
        let path = URL(fileURLWithPath: fixture.snapshot + "/shard-0002")
        var bytes = try Data(contentsOf: path)
        bytes[bytes.count - 60] ^= 1
        try bytes.write(to: path)
        #expect { try SnapshotRestore(fixture.definitions).run(fixture.snapshot) } throws: {
            if case .damaged? = $0 as? SnapshotError { true } else { false }
        }
        #expect(try SnapshotFixture.contents(fixture.store) == before)
        #expect(SnapshotFixture.names(fixture.store) == ["shard-0000", "shard-0001", "shard-0002"])
    }

    private func expectDamaged(_ path: String, _ what: String) {
        do {
            try Snapshot.verify(path)
            Issue.record("not detected: \(what)")
        } catch let error as SnapshotError {
            // `refused` is what a missing manifest is.
            switch error {
            case .damaged, .refused: break
            default: Issue.record("\(what): \(error)")
            }
        } catch {
            Issue.record("\(what): \(error)")
        }
    }

    // MARK: Damages

    private func files(_ directory: String) throws -> [String: Data] {
        Dictionary(uniqueKeysWithValues: try SnapshotFixture.names(directory).map {
            ($0, try Data(contentsOf: URL(fileURLWithPath: directory + "/" + $0)))
        })
    }

    private func replace(_ directory: String, _ was: [String: Data], _ now: [String: Data]) throws {
        for (name, data) in now where was[name] != data { try data.write(to: URL(fileURLWithPath: directory + "/" + name)) }
        for name in was.keys where now[name] == nil { try FileManager.default.removeItem(atPath: directory + "/" + name) }
    }

    private static func damage(
        _ files: inout [String: Data], _ names: [String], _ later: [String: Data], _ random: inout SeededGenerator
    ) -> String {
        let name = random.pick(names)
        switch random.below(10) {
        case 0:
            files[name] = nil
            return "file missing"
        case 1:
            let other = random.pick(names)
            (files[name], files[other]) = (files[other], files[name])
            return "files exchanged"
        case 2:
            files["shard-0003"] = files[name]
            return "file too many"
        case 3:
            files[name] = later[name]
            return "file of another snapshot"
        default:
            var data = files[name]!
            let kind = damage(&data, &random)
            files[name] = data
            return kind
        }
    }

    /// One of: a flipped bit, a cut, bytes left out, repeated, exchanged, appended, zeroed.
    private static func damage(_ data: inout Data, _ random: inout SeededGenerator) -> String {
        let count = data.count
        let at = random.below(count)
        // From single bytes to several blocks.
        let length = 1 + random.below(min(count - at, 1 << random.int(0...20)))
        switch random.below(7) {
        case 0:
            data[at] ^= 1 << UInt8(random.below(8))
            return "bit flipped"
        case 1:
            data = data.prefix(at)
            return "cut off"
        case 2:
            data.removeSubrange(at..<at + length)
            return "bytes missing"
        case 3:
            data.insert(contentsOf: Data(data[at..<at + length]), at: at)
            return "bytes repeated"
        case 4:
            let other = random.below(count - length + 1)
            let a = Data(data[at..<at + length]), b = Data(data[other..<other + length])
            data.replaceSubrange(at..<at + length, with: b)
            data.replaceSubrange(other..<other + length, with: a)
            return "bytes exchanged"
        case 5:
            data.append(contentsOf: (0..<random.int(1...5_000)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
            return "bytes appended"
        default:
            data.replaceSubrange(at..<at + length, with: Data(count: length))
            return "bytes zeroed"
        }
    }
}
