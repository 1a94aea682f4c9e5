import FeatureStore
import Foundation
import Serving
import Synchronization
import Testing
import TestSupport

/// The chain holds, whatever happens to the process; and it does not, when anybody touches it.
@Suite struct AuditLogTests {
    private let directory = TemporaryDirectory()
    private var path: String { directory.file("audit.ndjson") }

    private func settings(_ change: (inout AuditSettings) -> Void = { _ in }) -> AuditSettings {
        var settings = AuditSettings(file: path)
        settings.events = Set(AuditSettings.Event.allCases)
        change(&settings)
        return settings
    }

    private func log(_ settings: AuditSettings, copy: (@Sendable ([UInt8]) -> Bool)? = nil) -> AuditLog {
        AuditLog(settings, now: { 1_767_225_600_000_000 }, copy: copy)
    }

    /// Writes so many records between the ones of start and stop.
    private func write(_ count: Int, _ settings: AuditSettings) throws -> AuditHead {
        let log = log(settings)
        try log.start()
        for n in 0..<count {
            let event = AuditEvent(.pushes, "push", target: "view\(n % 7)", entities: n, keys: ["customer-\(n)"])
            log.record(event, Caller(.unguarded), outcome: n % 3 == 0 ? "ok" : "bad-request")
        }
        log.stop()
        return log.head
    }

    private var files: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []).filter { $0.hasSuffix(".ndjson") }.sorted()
            .map { directory.file($0) }
    }

    private func verify(_ files: [String]? = nil, after: AuditHead = .none, heads: [AuditHead] = []) -> Result<AuditHead, AuditVerification.Fault> {
        var verification = AuditVerification(after: after, heads: heads)
        do throws(AuditVerification.Fault) {
            try verification.read(files ?? self.files)
            return .success(verification.head)
        } catch {
            return .failure(error)
        }
    }

    private func fault(_ heads: [AuditHead] = []) -> String {
        if case .failure(let fault) = verify(heads: heads) { return fault.description }
        return ""
    }

    @Test func `a record is a line of JSON that ends with its hash`() throws {
        _ = try write(1, settings())
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 3)
        let body = #"{"n":2,"time":"2026-01-01T00:00:00.000000Z","operation":"push","principal":"","credential":"none","address":"","transport":"http/1.1","target":"view0","entities":0,"outcome":"ok""#
        #expect(lines[1].hasPrefix(body + #","hash":""#))
        // By hand: docs/SECURITY.md says how.
        let before = String(lines[0].suffix(66).dropLast(2))
        #expect(lines[1] == body + #","hash":""# + SHA256.hash((before + body).utf8).hexadecimal + #""}"#)
    }

    @Test func `entity keys are written only where they are asked for`() throws {
        _ = try write(3, settings())
        #expect(!(try String(contentsOfFile: path, encoding: .utf8)).contains("customer-"))
        _ = try write(3, settings { $0.hasEntityKeys = true })
        #expect(try String(contentsOfFile: path, encoding: .utf8).contains(#""keys":["customer-2"]"#))
    }

    @Test func `the chain goes on over restarts and files`() throws {
        let small = settings { $0.maxFileBytes = 4_096 }
        var heads: [AuditHead] = []
        for count in [10, 60, 0, 200] { heads.append(try write(count, small)) }
        #expect(heads.map(\.number) == [12, 74, 76, 278])
        #expect(files.count > 10)
        for file in files.dropLast() { #expect(try Data(contentsOf: URL(filePath: file)).count < 4_096 + 600) }
        #expect(try verify(heads: heads).get() == heads[3])
        // In whatever order they are named, and from the middle on.
        #expect(try verify(files.reversed()).get() == heads[3])
        let first = try #require(files.first { $0.hasSuffix("000001.ndjson") })
        var part = AuditVerification()
        try part.read([first])
        let rest = files.filter { $0 != first }
        #expect(try verify(rest, after: part.head).get() == heads[3])
        if case .failure(let fault) = verify(rest) { #expect(fault.what.contains("the log begins with record \(part.head.number + 1)")) } else { #expect(Bool(false)) }
    }

    @Test func `a torn record of a crash is taken off and the chain goes on`() throws {
        let head = try write(5, settings())
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(#"{"n":8,"time":"2026"#.utf8))
        #expect(fault().contains("record 8 is not whole"))
        let torn = Mutex(0)
        let log = AuditLog(settings(), now: { 0 }, notice: { notice in if case .torn(let bytes) = notice { torn.withLock { $0 = bytes } } })
        try log.start()
        log.stop()
        #expect(torn.withLock { $0 } == 19)
        #expect(try verify(heads: [head]).get().number == 9)
    }

    @Test func `one process writes a log`() throws {
        let log = log(settings())
        try log.start()
        #expect(throws: AuditError.self) { try self.log(settings()).start() }
        log.stop()
    }

    @Test func `a file that was moved away is followed by a new one`() throws {
        let log = log(settings())
        try log.start()
        log.record(AuditEvent(.pushes, "push"), Caller(.unguarded), outcome: "ok")
        while log.head.number < 2 { Thread.sleep(forTimeInterval: 0.001) }
        try FileManager.default.moveItem(atPath: path, toPath: path + ".moved.ndjson")
        log.record(AuditEvent(.pushes, "push"), Caller(.unguarded), outcome: "ok")
        log.stop()
        #expect(files.count == 2)
        #expect(try verify().get().number == 4)
    }

    /// One change of each kind at many places: the first record that is wrong is named.
    @Test func `whatever is done to a record shows`() throws {
        let head = try write(40, settings())
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
        #expect(lines.count == 42)
        var random = SeededGenerator(seed: 7)
        func put(_ lines: [String]) throws { try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: path)) }
        func names(_ number: Int) -> Bool { fault().contains("record \(number) ") }
        for at in 0..<42 {
            // Any byte of it.
            var bytes = Array(lines[at].utf8)
            let place = Int.random(in: 0..<bytes.count, using: &random)
            bytes[place] ^= 1
            var changed = lines
            changed[at] = String(decoding: bytes, as: UTF8.self)
            try put(changed)
            #expect(verify().isFailure && (names(at + 1) || names(at + 2) || fault().contains("begins with record")), "\(at) \(place): \(fault())")
            changed = lines
            changed.remove(at: at)
            try put(changed)
            if at == 0 { #expect(fault().contains("begins with record 2")) } else if at < 41 { #expect(names(at + 1)) }
            // The last one is missing from what is there only by its head.
            if at == 41 { #expect(!verify().isFailure && fault([head]).contains("record 42 was written")) }
            changed = lines
            changed.insert(lines[at], at: at)
            try put(changed)
            #expect(fault().contains("record \(at + 1) stands where record \(at + 2) should"))
            if at < 41 {
                changed = lines
                changed.swapAt(at, at + 1)
                try put(changed)
                #expect(verify().isFailure)
            }
        }
        try put(lines)
        #expect(try verify(heads: [head]).get() == head)
    }

    @Test func `a log that is written anew differs from the head that was noted down`() throws {
        let head = try write(5, settings())
        try FileManager.default.removeItem(atPath: path)
        _ = try write(6, settings())
        #expect(try verify().get().number == 8)
        #expect(fault([head]).contains("record 7 is another one than was noted down"))
    }

    /// A disk that is full, and then is not: nothing is lost, and what must be written down is refused meanwhile.
    @Test(.enabled(if: SmallDisk.isPermitted, Comment(rawValue: SmallDisk.reason)))
    func `a log that cannot be written refuses and resumes`() throws {
        let disk = try SmallDisk(megabytes: 1)
        var settings = AuditSettings(file: disk.path + "/audit.ndjson")
        settings.hasEntityKeys = true
        let notices = Mutex<[String]>([])
        let log = AuditLog(settings, now: { 0 }, notice: { notice in notices.withLock { $0.append(String("\(notice)".prefix { $0 != "(" })) } })
        try log.start()
        try disk.fill()
        let event = AuditEvent(.pushes, "push", keys: Array(repeating: String(repeating: "k", count: 500), count: 100))
        var count = 0
        while count < 2_000, (try? log.admit(.pushes)) != nil {
            log.record(event, Caller(.unguarded), outcome: "ok")
            count += 1
            Thread.sleep(forTimeInterval: 0.002)
        }
        #expect(count < 2_000 && notices.withLock { $0 } == ["failing"])
        let problem = #expect(throws: LookupProblem.self) { try log.admit(.pushes) }
        #expect(problem?.kind == .auditUnavailable && problem?.httpStatus == 503)
        // What is not written down goes on.
        try log.admit(.lookups)
        try disk.release()
        var hasRoom = false
        for _ in 0..<500 where !hasRoom {
            Thread.sleep(forTimeInterval: 0.02)
            hasRoom = (try? log.admit(.pushes)) != nil
        }
        log.stop()
        #expect(hasRoom && notices.withLock { $0 }.contains("resumed"))
        var verification = AuditVerification()
        try verification.read([settings.file])
        // Each that was taken, the start and the stop.
        #expect(verification.records == Int64(count) + 2)
    }

    @Test func `records go to another place too`() throws {
        let copies = Mutex<[String]>([])
        let log = log(settings()) { line in copies.withLock { $0.append(String(decoding: line, as: UTF8.self)) }; return true }
        try log.start()
        log.record(AuditEvent(.admin, "shards"), Caller(.unguarded), outcome: "ok")
        log.stop()
        #expect(try String(contentsOfFile: path, encoding: .utf8) == copies.withLock { $0 }.map { $0 + "\n" }.joined())
    }

    @Test func `a share of lookups`() throws {
        let log = log(settings { $0.lookupsPerMillion = 100_000 })
        try log.start()
        for _ in 0..<20_000 { log.record(AuditEvent(.lookups, "lookup"), Caller(.unguarded), outcome: "ok") }
        log.stop()
        #expect((1_500...2_500).contains(Int(log.head.number)))
    }
}

extension Result {
    fileprivate var isFailure: Bool { if case .failure = self { true } else { false } }
}
