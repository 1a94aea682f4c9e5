import Foundation
import LMDB
import Synchronization
import TestSupport
import Testing

struct ConcurrencyTests {
    let directory = TemporaryDirectory()

    /// The whole story of a full map: `.mapFull`, grow, run again, while other threads read without a pause.
    @Test(arguments: [Environment.SyncMode.dataSynced, .unsynced, .writeBehind])
    func aFullMapGrowsUnderReaders(mode: Environment.SyncMode) throws {
        let environment = try directory.open(mapBytes: 256 << 10, mode: mode)
        let rows = try environment.openTable("rows")
        try environment.set(rows, "version", "0")
        let stop = Atomic(false), reads = Atomic(0), failures = Mutex<[String]>([])
        let group = DispatchGroup()
        for _ in 0..<4 {
            Thread.detach(in: group) {
                var newest = 0
                while !stop.load(ordering: .relaxed) {
                    do {
                        try environment.read { transaction in
                            let version = Int(try transaction.string(rows, "version") ?? "") ?? -1
                            let filler = try transaction.string(rows, "filler-\(version)")
                            if version < newest { failures.withLock { $0.append("went back to \(version) from \(newest)") } }
                            if version > 0, filler?.utf8.count != 20_000 { failures.withLock { $0.append("torn \(version)") } }
                            newest = version
                        }
                        reads.add(1, ordering: .relaxed)
                    } catch {
                        failures.withLock { $0.append("\(error)") }
                        return
                    }
                }
            }
        }
        var grown = 0
        for version in 1...400 {
            func commit() throws {
                try environment.write { transaction in
                    try transaction.put(rows, "filler-\(version)", String(repeating: "x", count: 20_000))
                    try transaction.put(rows, "version", "\(version)")
                }
                if mode == .writeBehind, version % 10 == 0 { try environment.sync() }
            }
            do {
                try commit()
            } catch let error as LMDBError where error.kind == .mapFull {
                grown += 1
                try environment.grow(toMapBytes: environment.info().mapBytes * 2)
                try commit()
            }
        }
        stop.store(true, ordering: .relaxed)
        group.wait()
        #expect(failures.withLock { $0 } == [])
        #expect(grown >= 5)
        let readCount = reads.load(ordering: .relaxed)
        #expect(readCount > 0)
        #expect(try environment.entryCount(rows) == 401)
        #expect(environment.info().usedBytes > 8_000_000)
    }

    @Test func growingToLessChangesNothing() throws {
        let environment = try directory.open(mapBytes: 1 << 20)
        try environment.grow(toMapBytes: 4096)
        #expect(environment.info().mapBytes == 1 << 20)
    }

    @Test func readersBeyondTheTableAreRefusedByName() throws {
        let environment = try directory.open(maxReaders: 2)
        let rows = try environment.openTable("rows")
        try environment.set(rows, "a", "1")
        _ = try environment.read { _ in
            try environment.read { _ in
                #expect { _ = try environment.string(rows, "a") } throws: { ($0 as? LMDBError)?.kind == .readersFull }
            }
        }
        #expect(try environment.string(rows, "a") == "1")
    }

    @Test func closeWaitsForAReader() throws {
        let environment = try directory.open()
        let rows = try environment.openTable("rows")
        try environment.set(rows, "a", "1")
        let inside = DispatchSemaphore(value: 0), group = DispatchGroup(), finished = Atomic(false)
        Thread.detach(in: group) {
            _ = try? environment.read { transaction in
                inside.signal()
                Thread.sleep(forTimeInterval: 0.05)
                _ = try transaction.string(rows, "a")
                finished.store(true, ordering: .sequentiallyConsistent)
            }
        }
        inside.wait()
        environment.close()
        let hasFinished = finished.load(ordering: .sequentiallyConsistent)
        #expect(hasFinished)
        group.wait()
    }

    /// The child process of the exit test is killed inside a read transaction, as a crashed tool would be.
    @Test func theReaderOfAKilledProcessIsReaped() async throws {
        let path = directory.path
        let environment = try directory.open()
        try fill(environment)
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let environment = try Environment(.init(path: path, mapBytes: 16 << 20))
            try dieReading(environment)
        }
        #expect(environment.reapStaleReaders() == 1)
        #expect(environment.reapStaleReaders() == 0)
    }

    @Test func aMapGrownByAnotherProcessIsAdopted() async throws {
        let path = directory.path
        let environment = try directory.open(mapBytes: 1 << 20)
        try fill(environment)
        await #expect(processExitsWith: .success) { [path = path as String] in
            let environment = try Environment(.init(path: path, mapBytes: 64 << 20))
            try fill(environment, bytes: 8 << 20)
        }
        #expect(try length(environment) == 8 << 20)
        try fill(environment, bytes: 10)
        #expect(try length(environment) == 10)
    }
}

// Synchronous, because transactions are not for async code.
private func fill(_ environment: Environment, bytes: Int = 1) throws {
    try environment.set(try environment.openTable("rows"), "value", String(repeating: "x", count: bytes))
}

private func length(_ environment: Environment) throws -> Int? {
    try environment.string(try environment.openTable("rows"), "value")?.utf8.count
}

private func dieReading(_ environment: Environment) throws {
    try environment.read { _ in _ = kill(getpid(), SIGKILL) }
}

extension Thread {
    static func detach(in group: DispatchGroup, _ body: @escaping @Sendable () -> Void) {
        group.enter()
        detachNewThread {
            body()
            group.leave()
        }
    }
}
