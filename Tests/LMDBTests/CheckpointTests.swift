import Foundation
import Glibc
import LMDB
import TestSupport
import Testing

/// What a crash of the system leaves of an environment in the mode `.checkpointed`, made page by page: each page of the data file is as it was at the
/// checkpoint or after any commit since, as the kernel may have written them in any order.
struct CheckpointTests {
    let directory = TemporaryDirectory()
    let other = TemporaryDirectory()

    private func open(
        _ directory: TemporaryDirectory, mapBytes: Int = 1 << 20, mode: Environment.SyncMode = .checkpointed, boot: String = "this", readOnly: Bool = false
    ) throws(LMDBError) -> Environment {
        var options = Environment.Options(path: directory.path, mapBytes: mapBytes, mode: mode, readOnly: readOnly)
        options.checkpointsByItself = false
        options.boot = boot
        return try Environment(options)
    }

    private func bytes(_ name: String, in directory: TemporaryDirectory) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: directory.path + "/" + name)))
    }

    private func lay(_ data: [UInt8], _ checkpoint: [UInt8]) throws {
        try? FileManager.default.removeItem(atPath: other.path)
        try FileManager.default.createDirectory(atPath: other.path, withIntermediateDirectories: true)
        try Data(data).write(to: URL(filePath: other.path + "/data.mdb"))
        try Data(checkpoint).write(to: URL(filePath: other.path + "/checkpoint"))
    }

    private func content(_ environment: Environment) throws -> [String: String] {
        let rows = try environment.openTable("rows")
        var found: [String: String] = [:]
        try environment.read { transaction in
            try transaction.forEach(rows) { key, value in
                found[String(decoding: key, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
                return true
            }
        }
        return found
    }

    /// Puts and deletes some keys, in values that fill a part of a page or several.
    private func change(_ environment: Environment, _ content: inout [String: String], _ random: inout SeededGenerator) throws {
        let rows = try environment.openTable("rows")
        var changed = content
        let changes = (0..<Int.random(in: 1...40, using: &random)).map { _ in
            let value = Int.random(in: 0..<5, using: &random) == 0
                ? nil : String(repeating: "x", count: Int.random(in: 1...(Bool.random(using: &random) ? 300 : 9000), using: &random)) + "\(random.next())"
            return ("key-\(Int.random(in: 0..<300, using: &random))", value)
        }
        while true {
            do {
                try environment.write { transaction in
                    for (key, value) in changes {
                        if let value { try transaction.put(rows, key, value) } else { _ = try withBytes(key) { try transaction.delete(rows, $0) } }
                    }
                }
                break
            } catch let error as LMDBError where error.kind == .mapFull {
                try environment.grow(toMapBytes: environment.info().mapBytes + 1 << 20)
            }
        }
        for (key, value) in changes { changed[key] = value }
        content = changed
    }

    @Test(arguments: UInt64(1)...12)
    func whateverTheDiskHasOfLaterCommitsItGoesBackToTheCheckpoint(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let environment = try open(directory)
        var now: [String: String] = [:], then = now
        // What may be on the disk: the file at the checkpoint and after each commit since.
        var versions = [try bytes("data.mdb", in: directory)]
        var checkpoint = try bytes("checkpoint", in: directory)
        var images = 0
        for _ in 0..<120 {
            try change(environment, &now, &random)
            versions.append(try bytes("data.mdb", in: directory))
            // Growing makes a checkpoint of its own.
            let isGrown = try bytes("checkpoint", in: directory) != checkpoint
            if isGrown || Int.random(in: 0..<6, using: &random) == 0 {
                if Bool.random(using: &random), !isGrown { try expectImage(versions, checkpoint, then, &random, &images) }
                try environment.sync()
                then = now
                versions = [try bytes("data.mdb", in: directory)]
                checkpoint = try bytes("checkpoint", in: directory)
            } else if Int.random(in: 0..<4, using: &random) == 0 {
                try expectImage(versions, checkpoint, then, &random, &images)
            }
        }
        #expect(images > 10)
        environment.close()
        // Without a crash nothing is lost, and without commits since the checkpoint nothing need be kept.
        #expect(try content(try open(directory, boot: "next")) == now)
    }

    private func expectImage(
        _ versions: [[UInt8]], _ checkpoint: [UInt8], _ expected: [String: String], _ random: inout SeededGenerator, _ images: inout Int
    ) throws {
        let page = 4096
        var image = versions[Int.random(in: 0..<versions.count, using: &random)]
        if image.count < versions[0].count { image = versions[0] }
        for start in stride(from: 0, to: image.count, by: page) {
            let version = versions[Int.random(in: 0..<versions.count, using: &random)]
            guard start + page <= version.count else { continue }
            image.replaceSubrange(start..<start + page, with: version[start..<start + page])
        }
        var torn = checkpoint
        // The next slot may be half written.
        let sequences = [0, 4096].map { at in checkpoint.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: at + 16, as: UInt64.self) } }
        let oldest = sequences[0] < sequences[1] ? 0 : 4096
        if Bool.random(using: &random) { for at in 0..<Int.random(in: 1...1536, using: &random) { torn[oldest + at] = UInt8.random(in: 0...255, using: &random) } }
        try lay(image, torn)
        images += 1
        let isReader = Bool.random(using: &random)
        let environment = try open(other, boot: "next", readOnly: isReader)
        #expect(try expected.isEmpty ? true : content(environment) == expected)
        guard !isReader else { return environment.close() }
        // And it can be gone on with.
        var content = try content(environment)
        for _ in 0..<5 { try change(environment, &content, &random) }
        #expect(try self.content(environment) == content)
        environment.close()
        let again = try open(other, boot: "next")
        #expect(try self.content(again) == content)
        again.close()
    }

    @Test func aCrashOfTheProcessLosesNothing() throws {
        let environment = try open(directory)
        let rows = try environment.openTable("rows")
        try environment.set(rows, "alice", "1")
        try environment.sync()
        try environment.set(rows, "alice", "2")
        try lay(try bytes("data.mdb", in: directory), try bytes("checkpoint", in: directory))
        let same = try open(other, boot: "this")
        #expect(try same.string(try same.openTable("rows"), "alice") == "2")
        same.close()
        // Opening it made a checkpoint of that, whatever becomes of the system.
        let next = try open(other, boot: "next")
        #expect(try next.string(try next.openTable("rows"), "alice") == "2")
        next.close()
        // Who cannot tell one boot from another goes back.
        try lay(try bytes("data.mdb", in: directory), try bytes("checkpoint", in: directory))
        let unknown = try open(other, boot: "")
        #expect(try unknown.string(try unknown.openTable("rows"), "alice") == "1")
        unknown.close()
        environment.close()
    }

    /// That somebody has it open shows that the system did not go down.
    @Test func whileSomebodyHasItOpenNothingGoesBack() throws {
        let environment = try open(directory)
        try environment.set(try environment.openTable("rows"), "alice", "1")
        try lay(try bytes("data.mdb", in: directory), try bytes("checkpoint", in: directory))
        let file = Glibc.open(other.path + "/checkpoint", O_RDONLY)
        flock(file, LOCK_SH)
        let reader = try open(other, boot: "", readOnly: true)
        #expect(try reader.string(try reader.openTable("rows"), "alice") == "1")
        reader.close()
        close(file)
        #expect { try content(try open(other, boot: "", readOnly: true)) } throws: { ($0 as? LMDBError)?.kind == .missingTable }
        environment.close()
    }

    @Test(arguments: [Environment.SyncMode.dataSynced, .unsynced])
    func anotherModeEndsIt(mode: Environment.SyncMode) throws {
        let environment = try open(directory)
        try environment.set(try environment.openTable("rows"), "alice", "1")
        try lay(try bytes("data.mdb", in: directory), try bytes("checkpoint", in: directory))
        environment.close()
        let opened = try open(other, mode: mode)
        #expect(!FileManager.default.fileExists(atPath: other.path + "/checkpoint"))
        try opened.set(try opened.openTable("rows"), "alice", "2")
        opened.close()
        let next = try open(other, boot: "next")
        #expect(try next.string(try next.openTable("rows"), "alice") == "2")
        next.close()
    }

    /// As when a shard's next generation takes its place and its name.
    @Test func whatHasItsOldNameIsLeftAlone() throws {
        let old = try open(directory)
        try old.set(try old.openTable("rows"), "alice", "1")
        try old.sync()
        #expect(rename(directory.path, other.path) == 0)
        let new = try open(directory)
        try new.set(try new.openTable("rows"), "alice", "2")
        old.close()
        #expect(FileManager.default.fileExists(atPath: directory.path + "/checkpoint"))
        new.close()
    }

    @Test func aDataFileThatIsNotTheOneIsRefused() throws {
        let environment = try open(directory)
        let empty = try bytes("data.mdb", in: directory)
        try environment.set(try environment.openTable("rows"), "alice", "1")
        try environment.sync()
        let checkpoint = try bytes("checkpoint", in: directory)
        let data = try bytes("data.mdb", in: directory)
        environment.close()
        try lay(empty, checkpoint)
        #expect { _ = try open(other, boot: "next") } throws: { ($0 as? LMDBError)?.kind == .corrupted && "\($0)".contains("not of this data file") }
        try lay(data, checkpoint.map { $0 ^ 1 })
        #expect { _ = try open(other, boot: "next") } throws: { ($0 as? LMDBError)?.kind == .corrupted && "\($0)".contains("reading the checkpoint") }
    }

    @Test func commitsBecomeCheckpointsByThemselves() throws {
        let environment = try Environment(.init(path: directory.path, mapBytes: 1 << 20, mode: .checkpointed))
        let rows = try environment.openTable("rows")
        let before = environment.checkpoints().count
        for value in 0..<20 {
            try environment.set(rows, "alice", "\(value)")
            usleep(20_000)
        }
        let deadline = Date.now + 20
        while environment.checkpoints().age > .zero, Date.now < deadline { usleep(1_000) }
        let checkpoints = environment.checkpoints()
        #expect(checkpoints.age == .zero)
        #expect(checkpoints.count > before)
        #expect(checkpoints.count - before < 20)  // Fewer than commits: nobody waited.
        try lay(try bytes("data.mdb", in: directory), try bytes("checkpoint", in: directory))
        let next = try open(other, boot: "next")
        #expect(try next.string(try next.openTable("rows"), "alice") == "19")
        next.close()
        environment.close()
        #expect(!FileManager.default.fileExists(atPath: directory.path + "/checkpoint"))
    }

    @Test func writersAndCheckpointsDoNotWaitForOneAnother() throws {
        let environment = try Environment(.init(path: directory.path, mapBytes: 1 << 16, mode: .checkpointed))
        var content: [String: String] = [:]
        var random = SeededGenerator(seed: 5)
        // From a map of 64 KiB on, so that it moves many times while checkpoints are made.
        for _ in 0..<2_000 { try change(environment, &content, &random) }
        #expect(try self.content(environment) == content)
        environment.close()
        let next = try open(directory, boot: "next")
        #expect(try self.content(next) == content)
    }
}
