import Foundation
import LMDB
import Synchronization
import TestSupport
import Testing

/// The mode `.writeBehind`: commits are seen from memory at once and taken to LMDB later, all of one or nothing.
struct WriteBehindTests {
    let directory = TemporaryDirectory()

    private func open(mapBytes: Int = 64 << 20, byItself: Bool = false) throws(LMDBError) -> Environment {
        var options = Environment.Options(path: directory.path, mapBytes: mapBytes, mode: .writeBehind)
        options.flushesByItself = byItself
        return try Environment(options)
    }

    private func content(_ table: Table, _ transaction: borrowing ReadTransaction, from first: String? = nil) throws -> [[String]] {
        var found: [[String]] = []
        func take(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
            found.append([String(decoding: key, as: UTF8.self), String(decoding: value, as: UTF8.self)])
            return true
        }
        if let first { try withBytes(first) { try transaction.forEach(table, from: $0, take) } } else { try transaction.forEach(table, take) }
        return found
    }

    private struct CalledOff: Error {}

    /// Everything that a transaction can do, in any order, with flushes in between, against two dictionaries.
    @Test(arguments: UInt64(1)...16)
    func transactionsAndFlushesInAnyOrder(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let environment = try open()
        let tables = try ["rows", "meta"].map { try environment.openTable($0) }
        var model: [[String: String]] = [[:], [:]]
        var flushes = 0
        // Few keys change often; many fill pages that split, and merge when they are deleted.
        let keys = seed.isMultiple(of: 2) ? 200 : 3_000
        for step in 0..<600 {
            var next = model
            let isCalledOff = Int.random(in: 0..<8, using: &random) == 0
            do {
                try environment.write { (transaction: borrowing WriteTransaction) throws in
                    for _ in 0..<Int.random(in: 1...(keys / 10), using: &random) {
                        let which = Int.random(in: 0...1, using: &random)
                        let key = "key-\(Int.random(in: 0..<keys, using: &random))"
                        let value = String(repeating: "v", count: Int.random(in: 0...(Int.random(in: 0..<50, using: &random) == 0 ? 300_000 : 400), using: &random)) + "\(step)"
                        switch Int.random(in: 0..<100, using: &random) {
                        case 0..<60:
                            try transaction.put(tables[which], key, value)
                            next[which][key] = value
                        case 60..<75:
                            try withBytes(key) { key in
                                let room = try transaction.reserve(tables[which], key, byteCount: value.utf8.count)
                                withBytes(value) { room.copyMemory(from: $0) }
                            }
                            next[which][key] = value
                        case 75..<98:
                            let wasThere = try withBytes(key) { try transaction.delete(tables[which], $0) }
                            #expect(wasThere == (next[which].removeValue(forKey: key) != nil))
                        case 98 where step % 7 == 0:
                            try transaction.clear(tables[which])
                            next[which] = [:]
                        default: break
                        }
                        let probe = "key-\(Int.random(in: 0..<keys, using: &random))"
                        #expect(try transaction.string(tables[which], probe) == next[which][probe])
                    }
                    if isCalledOff { throw CalledOff() }
                }
                model = next
            } catch is CalledOff {}
            if Int.random(in: 0..<10, using: &random) == 0 {
                try environment.sync()
                flushes += 1
                #expect(environment.flushes?.waitingBytes == 0)
            }
            try environment.read { (transaction: borrowing ReadTransaction) throws in
                for (table, expected) in zip(tables, model) {
                    let key = "key-\(Int.random(in: 0..<keys, using: &random))"
                    #expect(try transaction.string(table, key) == expected[key])
                    guard step % 5 == 0 else { continue }
                    #expect(try transaction.entryCount(table) == expected.count)
                    let sorted = expected.sorted { $0.key < $1.key }.map { [$0.key, $0.value] }
                    #expect(try content(table, transaction) == sorted)
                    #expect(try content(table, transaction, from: key) == sorted.filter { $0[0] >= key })
                }
            }
        }
        #expect(flushes > 20)
        #expect(environment.flushes?.count ?? 0 <= flushes)
        environment.close()
        let again = try open()
        let reopened = try ["rows", "meta"].map { try again.openTable($0) }
        try again.read { (transaction: borrowing ReadTransaction) throws in
            for (table, expected) in zip(reopened, model) {
                #expect(try content(table, transaction) == expected.sorted { $0.key < $1.key }.map { [$0.key, $0.value] })
            }
        }
    }

    /// Whatever moment a crash comes at, what is found is what some commit left, not older than the newest flush.
    @Test(arguments: UInt64(1)...6)
    func aCrashGoesBackToACommitAsAWhole(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var number = 0
        for _ in 0..<12 {
            let environment = try open(byItself: true)
            let rows = try environment.openTable("rows")
            let found = Int(try environment.string(rows, "key-0") ?? "0") ?? -1
            #expect(found <= number)
            number = found
            try environment.read { (transaction: borrowing ReadTransaction) throws in
                for index in 0..<50 where found > 0 { #expect(try transaction.string(rows, "key-\(index)") == "\(found)") }
            }
            var flushed = number
            for _ in 0..<Int.random(in: 1...400, using: &random) {
                number += 1
                try environment.write { (transaction: borrowing WriteTransaction) throws in
                    for index in 0..<50 { try transaction.put(rows, "key-\(index)", "\(number)") }
                }
                if Int.random(in: 0..<40, using: &random) == 0 {
                    try environment.sync()
                    flushed = number
                }
            }
            environment.close(flushing: false)
            let after = try directory.open(readOnly: true)
            let left = Int(try after.string(try after.openTable("rows"), "key-0") ?? "0") ?? -1
            #expect(flushed...number ~= left)
            after.close()
        }
    }

    /// Readers see one commit, and never an older one than before, while keys go from memory to LMDB and the map moves.
    @Test func readersSeeOneCommitWhileKeysMove() throws {
        let environment = try open(mapBytes: 256 << 10, byItself: true)
        environment.whenMapIsFull { [unowned environment] in
            (try? environment.grow(toMapBytes: environment.info().mapBytes * 2)) != nil
        }
        let rows = try environment.openTable("rows")
        let keys = (0..<20).map { "key-\($0)" }
        let stop = Atomic(false), reads = Atomic(0), failures = Mutex<[String]>([])
        let group = DispatchGroup()
        for _ in 0..<3 {
            Thread.detach(in: group) {
                var newest = 0
                while !stop.load(ordering: .relaxed) {
                    do {
                        try environment.read { (transaction: borrowing ReadTransaction) throws in
                            let versions = try keys.map { Int(try transaction.string(rows, $0)?.split(separator: " ")[0] ?? "0") ?? -1 }
                            if Set(versions).count > 1 { failures.withLock { $0.append("two commits: \(versions)") } }
                            if versions[0] < newest { failures.withLock { $0.append("back to \(versions[0]) from \(newest)") } }
                            newest = versions[0]
                        }
                        reads.add(1, ordering: .relaxed)
                    } catch {
                        failures.withLock { $0.append("\(error)") }
                        return
                    }
                }
            }
        }
        Thread.detach(in: group) {
            while !stop.load(ordering: .relaxed) {
                do { try environment.sync() } catch { failures.withLock { $0.append("\(error)") } }
            }
        }
        let padding = String(repeating: "x", count: 2_000)
        let deadline = Date.now + 3
        var version = 0
        while Date.now < deadline || environment.flushes?.count ?? 0 < 20 {
            version += 1
            try environment.write { (transaction: borrowing WriteTransaction) throws in
                for key in keys { try transaction.put(rows, key, "\(version) \(padding)") }
                try transaction.put(rows, "more-\(version)", padding)
            }
            if version > 50_000 { break }
        }
        stop.store(true, ordering: .relaxed)
        group.wait()
        #expect(failures.withLock { $0 } == [])
        #expect(reads.load(ordering: .relaxed) > 100)
        #expect(environment.flushes?.count ?? 0 >= 20)
        #expect(environment.info().mapBytes > 256 << 10)
        #expect(try environment.entryCount(rows) == version + keys.count)
    }

    @Test func aLongReadKeepsWhatItSees() throws {
        let environment = try open()
        let rows = try environment.openTable("rows")
        for key in 0..<500 { try environment.set(rows, "key-\(key)", "old") }
        try environment.read { (transaction: borrowing ReadTransaction) throws in
            for round in 0..<3 {
                DispatchQueue.global().sync {
                    for key in 0..<500 { try? environment.set(rows, "key-\(key)", "new \(round)") }
                    try? environment.sync()
                }
                for key in 0..<500 { #expect(try transaction.string(rows, "key-\(key)") == "old") }
            }
        }
        #expect(try environment.string(rows, "key-7") == "new 2")
    }

    @Test func commitsAreFlushedByThemselves() throws {
        let environment = try open(byItself: true)
        let rows = try environment.openTable("rows")
        for value in 0..<20 {
            try environment.set(rows, "alice", "\(value)")
            usleep(20_000)
        }
        #expect(environment.flushes?.age ?? .zero > .zero)
        let deadline = Date.now + 20
        while environment.flushes?.age != .zero, Date.now < deadline { usleep(1_000) }
        let flushes = try #require(environment.flushes)
        #expect(flushes.age == .zero)
        #expect(1..<20 ~= flushes.count)  // Fewer than commits.
        #expect(flushes.entries < 20)
        environment.close(flushing: false)
        let again = try directory.open(readOnly: true)
        #expect(try again.string(try again.openTable("rows"), "alice") == "19")
    }

    @Test func closingFlushes() throws {
        let environment = try open()
        try environment.set(try environment.openTable("rows"), "alice", "1")
        environment.close()
        #expect { try environment.sync() } throws: { ($0 as? LMDBError)?.kind == .closed }
        let again = try directory.open(readOnly: true)
        #expect(try again.string(try again.openTable("rows"), "alice") == "1")
    }

    /// Faster than the flushes, a writer waits: memory stays bounded.
    @Test func aWriterThatIsTooFastWaits() throws {
        let environment = try open(mapBytes: 1 << 30, byItself: true)
        let rows = try environment.openTable("rows")
        let value = [UInt8](repeating: 1, count: 64 << 10)
        var most = 0
        for index in 0..<12_000 {
            try environment.write { (transaction: borrowing WriteTransaction) throws in
                try withBytes("key-\(index % 4_000)") { key in try value.withUnsafeBytes { try transaction.put(rows, key, value: $0) } }
            }
            most = max(most, environment.flushes?.waitingBytes ?? 0)
        }
        #expect(environment.flushes?.count ?? 0 >= 2)
        #expect(most <= 256 << 20 + 1 << 20)
        #expect(try environment.entryCount(rows) == 4_000)
    }

    @Test func whatWritesNothingLeavesNothingToFlush() throws {
        let environment = try open(byItself: true)
        let rows = try environment.openTable("rows")
        try environment.write { transaction in _ = try withBytes("nobody") { try transaction.delete(rows, $0) } }
        try environment.write { _ in }
        #expect(environment.flushes == Environment.Flushes())
        usleep(300_000)
        #expect(environment.flushes == Environment.Flushes())
    }

    /// What was called off takes memory until the next flush, no longer.
    @Test func commitsThatAreCalledOffStayBounded() throws {
        let environment = try open(byItself: true)
        let rows = try environment.openTable("rows")
        let value = [UInt8](repeating: 1, count: 200 << 10)
        var most = 0
        for _ in 0..<3_000 {
            #expect(throws: CalledOff.self) {
                try environment.write { transaction in
                    try withBytes("key") { key in try value.withUnsafeBytes { try transaction.put(rows, key, value: $0) } }
                    throw CalledOff()
                }
            }
            most = max(most, environment.flushes?.waitingBytes ?? 0)
        }
        #expect(1...(256 << 20 + 1 << 20) ~= most)
        #expect(try environment.entryCount(rows) == 0)
        try environment.sync()
        #expect(environment.flushes?.waitingBytes == 0 && environment.flushes?.entries == 0)
    }

    /// The map is full and nobody grows it: the next writer hears of it, readers go on, growing mends it.
    @Test func aFullMapIsAnErrorOfTheNextWriter() throws {
        let environment = try open(mapBytes: 64 << 10)
        let rows = try environment.openTable("rows")
        for key in 0..<40 { try environment.set(rows, "key-\(key)", String(repeating: "x", count: 3_000)) }
        #expect { try environment.sync() } throws: { ($0 as? LMDBError)?.kind == .mapFull }
        #expect { try environment.set(rows, "after", "1") } throws: { ($0 as? LMDBError)?.kind == .mapFull }
        #expect(try environment.string(rows, "key-39")?.utf8.count == 3_000)
        #expect(try environment.entryCount(rows) == 40)
        try environment.grow(toMapBytes: 1 << 20)
        try environment.set(rows, "after", "1")
        try environment.sync()
        environment.close(flushing: false)
        let again = try directory.open(readOnly: true)
        #expect(try again.entryCount(try again.openTable("rows")) == 41)
    }

    @Test func keysAndValuesThatLMDBWouldNotTakeAreRefusedAtOnce() throws {
        let environment = try open()
        let rows = try environment.openTable("rows")
        for length in [0, 512] {
            #expect { try environment.set(rows, String(repeating: "k", count: length), "1") } throws: { ($0 as? LMDBError)?.kind == .badSize }
        }
        try environment.set(rows, String(repeating: "k", count: 511), "")
        #expect(try environment.string(rows, String(repeating: "k", count: 511)) == "")
        #expect { try environment.write { _ in try environment.sync() } } throws: { ($0 as? LMDBError)?.code == EDEADLK }
    }
}
