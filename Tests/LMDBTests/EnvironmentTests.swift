import Foundation
import LMDB
import TestSupport
import Testing

struct EnvironmentTests {
    let directory = TemporaryDirectory()

    @Test(arguments: [Environment.SyncMode.dataSynced, .unsynced, .writeBehind])
    func aCommitSurvivesReopening(mode: Environment.SyncMode) throws {
        do {
            let environment = try directory.open(mode: mode)
            try environment.set(try environment.openTable("rows"), "alice", "1")
            environment.close()
        }
        let environment = try directory.open(mode: mode)
        #expect(try environment.string(try environment.openTable("rows"), "alice") == "1")
    }

    @Test func tablesAreApart() throws {
        let environment = try directory.open()
        let rows = try environment.openTable("rows"), positions = try environment.openTable("positions")
        try environment.set(rows, "key", "row")
        try environment.set(positions, "key", "position")
        #expect(try environment.string(rows, "key") == "row")
        #expect(try environment.string(positions, "key") == "position")
        #expect(try environment.entryCount(rows) == 1)
    }

    @Test func aReadOnlyEnvironmentReadsWhatIsThereAndRefusesTheRest() throws {
        do {
            let environment = try directory.open()
            try environment.set(try environment.openTable("rows"), "alice", "1")
        }
        let environment = try directory.open(readOnly: true)
        let rows = try environment.openTable("rows")
        #expect(try environment.string(rows, "alice") == "1")
        #expect(throws: LMDBError.self) { try environment.set(rows, "alice", "2") }
        #expect { _ = try environment.openTable("others") } throws: { ($0 as? LMDBError)?.kind == .missingTable }
    }

    @Test func aMissingDirectoryIsNotCreatedForReading() {
        #expect { _ = try directory.open(readOnly: true) } throws: {
            ($0 as? LMDBError)?.code == ENOENT && "\($0)".contains(directory.path)
        }
    }

    @Test func aSecondOpeningInTheSameProcessIsRefused() throws {
        let environment = try directory.open()
        #expect { _ = try directory.open() } throws: { ($0 as? LMDBError)?.kind == .alreadyOpen }
        environment.close()
        _ = try directory.open()
    }

    @Test func aForeignFileIsNamedCorrupted() throws {
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        try Data(repeating: 7, count: 16_384).write(to: URL(filePath: directory.path + "/data.mdb"))
        #expect { _ = try directory.open() } throws: { ($0 as? LMDBError)?.kind == .corrupted }
        #expect { _ = try directory.open() } throws: { "\($0)".contains("rebuild") }  // the failed opening released its claim
    }

    @Test func afterCloseEverythingIsRefusedByName() throws {
        let environment = try directory.open()
        let rows = try environment.openTable("rows")
        try environment.set(rows, "alice", "1")
        environment.close()
        environment.close()
        #expect { _ = try environment.string(rows, "alice") } throws: { ($0 as? LMDBError)?.kind == .closed }
        #expect { try environment.set(rows, "alice", "2") } throws: { ($0 as? LMDBError)?.kind == .closed }
        #expect { try environment.sync() } throws: { ($0 as? LMDBError)?.kind == .closed }
        #expect { try environment.grow(toMapBytes: 1 << 30) } throws: { ($0 as? LMDBError)?.kind == .closed }
        #expect(environment.info().mapBytes == 0)
        #expect(environment.reapStaleReaders() == 0)
    }

    @Test func senselessSizesAreRefused() {
        for bytes in [0, -1, Int.max] {
            #expect(throws: LMDBError.self) { try directory.open(mapBytes: bytes) }
        }
        #expect(throws: LMDBError.self) { try directory.open(maxReaders: -1) }
    }

    @Test func aNestedWriteIsAnErrorAndNotADeadlock() throws {
        let environment = try directory.open()
        let rows = try environment.openTable("rows")
        try environment.write { transaction in
            #expect { try environment.set(rows, "a", "1") } throws: { ($0 as? LMDBError)?.code == EDEADLK }
            #expect { try environment.grow(toMapBytes: 1 << 30) } throws: { ($0 as? LMDBError)?.code == EDEADLK }
        }
    }

    @Test(arguments: [false, true])
    func aCopyOpensAndHoldsTheSame(compacting: Bool) throws {
        let environment = try directory.open()
        let rows = try environment.openTable("rows")
        try environment.write { transaction in
            for index in 0..<5_000 { try transaction.put(rows, "key-\(index)", String(repeating: "x", count: 100)) }
        }
        try environment.write { transaction in
            for index in 100..<5_000 { _ = try withBytes("key-\(index)") { try transaction.delete(rows, $0) } }
        }
        #expect(try environment.countFreePages() > 50)
        let target = TemporaryDirectory()
        try environment.copy(to: target.path, compacting: compacting)
        let copy = try target.open()
        #expect(try copy.entryCount(try copy.openTable("rows")) == 100)
        #expect((copy.info().usedBytes < environment.info().usedBytes / 2) == compacting)
    }
}
