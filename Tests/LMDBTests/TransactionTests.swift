import Foundation
import LMDB
import TestSupport
import Testing

struct TransactionTests {
    let directory = TemporaryDirectory()
    let environment: Environment
    let rows: Table

    init() throws {
        environment = try directory.open()
        rows = try environment.openTable("rows")
    }

    @Test func aThrowLeavesNothing() throws {
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try environment.write { transaction in
                try transaction.put(rows, "alice", "1")
                throw Stop()
            }
        }
        #expect(try environment.string(rows, "alice") == nil)
        try environment.set(rows, "bob", "1")
        #expect(try environment.entryCount(rows) == 1)
    }

    @Test func aWriterSeesItsOwnWritesAndReadersSeeTheOldOnes() throws {
        try environment.set(rows, "alice", "old")
        try environment.write { transaction in
            try transaction.put(rows, "alice", "new")
            #expect(try transaction.string(rows, "alice") == "new")
            #expect(try environment.string(rows, "alice") == "old")
        }
        #expect(try environment.string(rows, "alice") == "new")
    }

    @Test func aPooledReaderSeesTheNewestCommitAndKeepsItsSnapshot() throws {
        for round in 0..<10 {
            try environment.set(rows, "round", "\(round)")
            try environment.read { transaction in
                #expect(try transaction.string(rows, "round") == "\(round)")
                try environment.set(rows, "round", "later")
                #expect(try transaction.string(rows, "round") == "\(round)")
            }
        }
        #expect(environment.info().readers == 1)
    }

    @Test func absenceIsNilAndFalse() throws {
        try environment.write { transaction in
            try withBytes("nobody") { key in
                let value = try transaction.get(rows, key)
                #expect(value == nil)
                #expect(try transaction.delete(rows, key) == false)
            }
        }
    }

    @Test func deleteAndClear() throws {
        for key in ["a", "b", "c"] { try environment.set(rows, key, key) }
        try environment.write { transaction in
            let wasThere = try withBytes("b") { try transaction.delete(rows, $0) }
            #expect(wasThere)
        }
        #expect(try environment.string(rows, "b") == nil)
        try environment.write { transaction in try transaction.clear(rows) }
        #expect(try environment.entryCount(rows) == 0)
    }

    @Test func reserveGivesTheMemoryOfTheValue() throws {
        try environment.write { transaction in
            let memory = try withBytes("key") { try transaction.reserve(rows, $0, byteCount: 5) }
            memory.copyBytes(from: "hello".utf8)
        }
        #expect(try environment.string(rows, "key") == "hello")
        #expect(throws: LMDBError.self) {
            try environment.write { transaction in
                _ = try withBytes("key") { try transaction.reserve(rows, $0, byteCount: -1) }
            }
        }
    }

    @Test func emptyAndLargeValues() throws {
        try environment.set(rows, "empty", "")
        #expect(try environment.string(rows, "empty") == "")
        let large = String(repeating: "x", count: 3 << 20)
        try environment.set(rows, "large", large)
        #expect(try environment.string(rows, "large") == large)
    }

    @Test func keysHaveOneTo511Bytes() throws {
        try environment.set(rows, String(repeating: "k", count: 511), "fits")
        for length in [0, 512] {
            #expect { try environment.set(rows, String(repeating: "k", count: length), "") } throws: {
                ($0 as? LMDBError)?.kind == .badSize && "\($0)".contains("\(length) bytes")
            }
        }
        #expect(try environment.string(rows, String(repeating: "k", count: 600)) == nil)
    }

    @Test func forEachWalksInKeyOrderFromAKeyUntilToldToStop() throws {
        for key in ["b", "d", "a", "c"] { try environment.set(rows, key, key + key) }
        func walk(from: String?, atMost limit: Int = .max) throws -> [String] {
            var seen: [String] = []
            try environment.read { transaction in
                let first = from.map { Array($0.utf8) }
                try (first ?? []).withUnsafeBytes { bytes in
                    try transaction.forEach(rows, from: first == nil ? nil : bytes) { key, value in
                        #expect(value.count == 2 * key.count)
                        seen.append(String(decoding: key, as: UTF8.self))
                        return seen.count < limit
                    }
                }
            }
            return seen
        }
        #expect(try walk(from: nil) == ["a", "b", "c", "d"])
        #expect(try walk(from: "") == ["a", "b", "c", "d"])
        #expect(try walk(from: "bb") == ["c", "d"])
        #expect(try walk(from: "b", atMost: 2) == ["b", "c"])
        #expect(try walk(from: "z") == [])
    }

    @Test func aSwallowedFailureCannotBeCommitted() throws {
        let small = TemporaryDirectory()
        let environment = try small.open(mapBytes: 64 << 10)
        let rows = try environment.openTable("rows")
        #expect(throws: LMDBError.self) {
            try environment.write { transaction in
                try transaction.put(rows, "alice", "1")
                try? transaction.put(rows, "large", String(repeating: "x", count: 1 << 20))
            }
        }
        #expect(try environment.string(rows, "alice") == nil)
    }
}
