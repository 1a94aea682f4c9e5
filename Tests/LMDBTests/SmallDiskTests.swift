import Foundation
import LMDB
import TestSupport
import Testing

/// Against a file system of a few MB that is really full.
@Suite(.enabled(if: SmallDisk.isPermitted, "mounting a tmpfs takes root"))
struct SmallDiskTests {
    let disk: SmallDisk

    init() throws { disk = try SmallDisk(megabytes: 4) }

    private func open(_ mode: Environment.SyncMode, mapBytes: Int = 1 << 20) throws(LMDBError) -> Environment {
        try Environment(.init(path: disk.path + "/shard", mapBytes: mapBytes, mode: mode))
    }

    /// Without blocks of its own for every page of the map, the process would end here with SIGBUS.
    @Test(arguments: [Environment.SyncMode.dataSynced, .unsynced])
    func aFullDiskIsAnErrorReadsGoOnAndFreeSpaceMends(mode: Environment.SyncMode) throws {
        let environment = try open(mode, mapBytes: mode == .unsynced ? 1 << 20 : 64 << 20)
        let rows = try environment.openTable("rows")
        let value = String(repeating: "x", count: 1_000)
        try disk.fill(leaving: 300_000)
        var written = 0
        var refusal: LMDBError?
        while refusal == nil, written < 100_000 {
            do {
                try environment.write { transaction in
                    for index in written..<written + 50 { try transaction.put(rows, "key-\(index)", value) }
                }
                written += 50
            } catch let error as LMDBError where error.kind == .mapFull {
                do { try environment.grow(toMapBytes: environment.info().mapBytes * 2) } catch { refusal = error }
            } catch let error as LMDBError {
                refusal = error
            }
        }
        #expect(refusal?.kind == .diskFull)
        #expect(refusal.map { "\($0)".contains("Free space") } == true)
        #expect(written > 0)
        #expect(try environment.entryCount(rows) == written)
        for index in [0, written / 2, written - 1] { #expect(try environment.string(rows, "key-\(index)") == value) }

        try disk.release()
        if mode == .unsynced { try environment.grow(toMapBytes: 2 << 20) }
        try environment.set(rows, "after", "1")
        #expect(try environment.string(rows, "after") == "1")
        #expect(try environment.entryCount(rows) == written + 1)
    }

    @Test func aFlushThatTheDiskCannotHoldIsAnErrorOfTheNextWriterAndTriedAgain() throws {
        let environment = try open(.writeBehind, mapBytes: 64 << 20)
        let rows = try environment.openTable("rows")
        let value = String(repeating: "x", count: 1_000)
        try disk.fill(leaving: 100_000)
        try environment.write { transaction in for index in 0..<500 { try transaction.put(rows, "key-\(index)", value) } }
        #expect { try environment.sync() } throws: { ($0 as? LMDBError)?.kind == .diskFull }
        #expect { try environment.set(rows, "after", "1") } throws: { "\($0)".contains("Free space") }
        #expect(try environment.entryCount(rows) == 500)
        #expect(try environment.string(rows, "key-499") == value)
        try disk.release()
        let deadline = Date.now + 20
        while environment.flushes?.waitingBytes != 0, Date.now < deadline { usleep(10_000) }
        #expect(environment.flushes?.waitingBytes == 0)
        try environment.set(rows, "after", "1")
        environment.close()
        let again = try Environment(.init(path: disk.path + "/shard", mapBytes: 64 << 20, readOnly: true))
        #expect(try again.entryCount(try again.openTable("rows")) == 501)
    }

    @Test func aMapThatTheDiskCannotHoldIsRefusedWhenItIsNew() throws {
        #expect { try open(.unsynced, mapBytes: 16 << 20) } throws: { ($0 as? LMDBError)?.kind == .diskFull }
    }

    @Test func aMapThatTheDiskCannotHoldAgainIsOpenedAsLargeAsItsData() throws {
        do {
            let environment = try open(.unsynced)
            try environment.set(try environment.openTable("rows"), "a", "1")
            environment.close()
        }
        try disk.fill()
        let environment = try open(.unsynced, mapBytes: 16 << 20)
        let rows = try environment.openTable("rows")
        #expect(try environment.string(rows, "a") == "1")
        #expect(environment.info().mapBytes == environment.info().usedBytes)
        #expect { try environment.grow(toMapBytes: 16 << 20) } throws: { ($0 as? LMDBError)?.kind == .diskFull }
        #expect(try environment.string(rows, "a") == "1")
    }

    @Test(arguments: [Environment.SyncMode.dataSynced, .unsynced])
    func theReaderTableHasItsBlocks(mode: Environment.SyncMode) throws {
        try disk.fill(leaving: 40_000)
        #expect { try Environment(.init(path: disk.path + "/shard", mapBytes: 1 << 20, maxReaders: 4096, mode: mode)) } throws: {
            ($0 as? LMDBError)?.kind == .diskFull
        }
    }
}
