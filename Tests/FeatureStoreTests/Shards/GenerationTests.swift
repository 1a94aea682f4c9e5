import FeatureStore
import Foundation
import Synchronization
import TestSupport
import Testing

/// A next generation beside the live shard: who sees it when, and what is left after a kill at any point.
@Suite struct GenerationTests {
    private let directory = TemporaryDirectory()
    private let counts = ["clicks": 1]
    private var live: String { Shard.path(directory.path, 0) }
    private var files: GenerationFiles { GenerationFiles(0, in: directory.path) }

    private func clicks(_ range: Range<Int>) -> EventBatch {
        ShardFixture.batch(range.map {
            .init(customer: "c\($0 % 5)", time: ShardFixture.noon + Int64($0) * .seconds(1), id: UInt64($0))
        })
    }

    private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() }

    private func store(_ definitions: Definitions) -> Store {
        let store = Store(definitions)
        store.setPartitionCounts(counts)
        return store
    }

    /// A live shard with the events 0..<10 and a complete next generation with 0..<20.
    private func prepare(_ definitions: Definitions) throws {
        let old = try Shard(number: 0, definitions: definitions, directory: directory.path, partitionCounts: counts)
        try old.apply(clicks(0..<10), ShardFixture.progress(next: 10))
        old.close()
        try build(definitions, upTo: 20)
    }

    private func build(_ definitions: Definitions, upTo end: Int) throws {
        let build = GenerationBuild(definitions, source: "test", partitionCounts: counts)
        try build.open(0).apply(clicks(0..<end), ShardFixture.progress(next: Int64(end)))
        try build.complete(0)
    }

    private func applied(_ store: Store) -> UInt64 { store.shards[0].counts[0].applied }

    // MARK: Building

    @Test func `a build is resumed where it was killed and discarded without a trace`() throws {
        let definitions = ShardFixture.definitions(directory.path)
        try build(definitions, upTo: 10)
        try store(definitions).openShard(0).close()
        #expect(try names() == ["shard-0000"])

        let first = GenerationBuild(definitions, source: "test", partitionCounts: counts)
        try first.open(0).apply(clicks(0..<12), ShardFixture.progress(next: 12))
        #expect(Generation.all(in: directory.path) == [.init(shard: 0, state: .building, source: nil, isBusy: true)])
        first.close()
        #expect(Generation.all(in: directory.path) == [.init(shard: 0, state: .building, source: "test", isBusy: false)])

        let second = GenerationBuild(definitions, source: "test", partitionCounts: counts)
        let shard = try second.open(0)
        #expect(shard.nextOffset(stream: 0) == 12)
        #expect(!second.isComplete(0))
        #expect { try GenerationBuild(definitions, source: "test", partitionCounts: counts).open(0) } throws: { "\($0)".contains("another process") }
        #expect { try Generation.discardAll(in: directory.path) } throws: { "\($0)".contains("stop that first") }
        try second.discard()
        #expect(try names() == ["shard-0000"])
        #expect(Generation.all(in: directory.path).isEmpty)
        let after = store(definitions)
        _ = try after.openShard(0)
        #expect(applied(after) == 10)
        after.closeAll()
    }

    @Test func `a build goes on only from its own source and under its own definitions`() throws {
        let definitions = ShardFixture.definitions(directory.path)
        let build = GenerationBuild(definitions, source: "kafka", partitionCounts: counts)
        try build.open(0).apply(clicks(0..<3), ShardFixture.progress(next: 3))
        build.close()
        #expect { try GenerationBuild(definitions, source: "logs", partitionCounts: counts).open(0) } throws: { error in
            "\(error)".contains("from kafka, not from logs") && "\(error)".contains("--discard")
        }
        var more = definitions
        more.views.append(ShardFixture.view("more"))
        #expect { try GenerationBuild(more, source: "kafka", partitionCounts: counts).open(0) } throws: { error in
            "\(error)".contains("without view `more`") && "\(error)".contains("--discard")
        }
        #expect { try GenerationBuild(definitions, source: "kafka", partitionCounts: ["clicks": 2]).open(0) } throws: { error in
            "\(error)".contains("having 1 partitions, now 2")
        }
        #expect(try Generation.discardAll(in: directory.path) == [0])
        #expect(try names() == [])
    }

    @Test func `an interrupted build is never adopted`() throws {
        let definitions = ShardFixture.definitions(directory.path)
        let build = GenerationBuild(definitions, source: "test", partitionCounts: counts)
        try build.open(0).apply(clicks(0..<20), ShardFixture.progress(next: 20))
        for isClosed in [false, true] {
            if isClosed { build.close() }
            let store = store(definitions)
            _ = try store.openShard(0)
            #expect(applied(store) == 0)
            #expect(try store.openNext(0) { Issue.record("warned: \($0)") } == nil)
            store.closeAll()
            #expect(try names() == ["shard-0000", "shard-0000.next"])
        }
        // Not even moved to where the live one belongs.
        try FileManager.default.removeItem(atPath: live)
        try FileManager.default.moveItem(atPath: files.next, toPath: live)
        #expect { try store(definitions).openShard(0) } throws: { "\($0)".contains("half built") }
    }

    @Test func `a build that a system crash may have torn is begun anew, a complete one deleted`() throws {
        let definitions = ShardFixture.definitions(directory.path)
        let torn = "open 00000000-0000-0000-0000-000000000000 replay\n"
        let build = GenerationBuild(definitions, source: "test", partitionCounts: counts)
        try build.open(0).apply(clicks(0..<20), ShardFixture.progress(next: 20))
        build.close()
        try torn.write(toFile: files.next + "/session", atomically: true, encoding: .utf8)
        #expect(try build.open(0).nextOffset(stream: 0) == nil)
        try build.complete(0)
        try torn.write(toFile: files.next + "/session", atomically: true, encoding: .utf8)
        let store = store(definitions)
        var warnings: [String] = []
        _ = try store.openShard(0) { warnings.append($0) }
        #expect(warnings.count == 1 && warnings[0].contains("Build it again"))
        #expect(try names() == ["shard-0000"])
        store.closeAll()
    }

    @Test func `where the log's beginning is gone, windows that reach back to before it are warming`() throws {
        let definitions = ShardFixture.definitions(directory.path)
        let build = GenerationBuild(definitions, source: "test", partitionCounts: counts)
        let shard = try build.open(0, beginnings: ["clicks": ShardFixture.noon - .minutes(5)])
        try shard.apply(clicks(0..<5), ShardFixture.progress(next: 105))
        try build.complete(0)
        let store = store(definitions)
        _ = try store.openShard(0)
        // Seen from 12:00 on: the oldest record's time and the allowed clock skew.
        let names = ["clicks_of_customer_n_1h", "clicks_of_customer_n"]
        let early = try ShardFixture.lookup(store, names, "c0", at: ShardFixture.noon + .minutes(30))
        #expect(early.values.map(\.status) == [.warming, .warming])
        let late = try ShardFixture.lookup(store, names, "c0", at: ShardFixture.noon + .minutes(62))
        #expect(late.values.map(\.status) == [.missing, .warming] || late.values.map(\.status) == [.present, .warming])
        store.closeAll()
    }

    // MARK: Adoption

    /// What a kill after any step leaves is one whole generation, and the next start has the new one and nothing beside it.
    @Test(arguments: GenerationFiles.Step.allCases, [false, true])
    func `killed after any step of an adoption, one whole generation is live`(step: GenerationFiles.Step, hasLive: Bool) throws {
        let definitions = ShardFixture.definitions(directory.path)
        if hasLive { try prepare(definitions) } else { try build(definitions, upTo: 20) }
        try files.adopt(stopAfter: step)
        // A reader of the directory, such as `millrace get`, finds one at once.
        let reader = Store(definitions)
        try reader.openExisting()
        #expect(applied(reader) == 20)
        reader.closeAll()
        for _ in 0..<2 {
            let store = store(definitions)
            _ = try store.openShard(0)
            #expect(applied(store) == 20 && store.shards[0].nextOffset(stream: 0) == 20)
            store.closeAll()
            #expect(try names() == ["shard-0000"])
        }
    }

    @Test func `between the two renames of a file system without an exchange, the old one comes back`() throws {
        let definitions = ShardFixture.definitions(directory.path)
        try prepare(definitions)
        try FileManager.default.moveItem(atPath: live, toPath: files.old)
        // Discarding the new one at this point must not lose the old one.
        try Generation.discardAll(in: directory.path)
        var store = store(definitions)
        _ = try store.openShard(0)
        #expect(applied(store) == 10)
        store.closeAll()
        #expect(try names() == ["shard-0000"])

        try build(definitions, upTo: 20)
        try FileManager.default.moveItem(atPath: live, toPath: files.old)
        store = self.store(definitions)
        _ = try store.openShard(0)
        #expect(applied(store) == 20)
        store.closeAll()
        #expect(try names() == ["shard-0000"])
    }

    @Test func `a build begins anew where a killed adoption left the old generation`() throws {
        let definitions = ShardFixture.definitions(directory.path)
        try prepare(definitions)
        try files.adopt(stopAfter: .exchange)
        try build(definitions, upTo: 30)
        let store = store(definitions)
        _ = try store.openShard(0)
        #expect(applied(store) == 30)
        store.closeAll()
    }

    @Test func `a generation of other definitions is left alone and said once`() throws {
        let definitions = ShardFixture.definitions(directory.path)
        var changed = definitions
        changed.views[0].filter = "price > 0.5"
        changed.views.append(ShardFixture.view("added"))
        let old = store(definitions)
        try old.openShard(0).apply(clicks(0..<10), ShardFixture.progress(next: 10))
        try build(changed, upTo: 10)
        var warnings: [String] = []
        for _ in 0..<3 { #expect(try old.openNext(0) { warnings.append($0) } == nil) }
        #expect(warnings.count == 1 && warnings[0].contains("other definitions") && warnings[0].contains("left alone"))
        old.closeAll()
        let again = store(definitions)
        _ = try again.openShard(0) { warnings.append($0) }
        #expect(warnings.count == 2 && applied(again) == 10)
        again.closeAll()

        // With the definitions it was built with it is adopted: nothing of it is warming.
        let new = store(changed)
        _ = try new.openShard(0)
        let vector = try ShardFixture.lookup(new, ["added_n_1h", "clicks_of_customer_n"], "c0", at: ShardFixture.noon + .minutes(1))
        #expect(vector.values.map(\.status) == [.present, .present])
        #expect(vector.values.map(\.value) == [.int(2), .int(2)])
        new.closeAll()
        #expect(try names() == ["shard-0000"])
    }

    /// Four threads look up without a pause while generation follows generation: no lookup fails and no count goes back.
    @Test(arguments: StoreSettings.Durability.allCases)
    func `lookups go on while generations change`(durability: StoreSettings.Durability) throws {
        let definitions = ShardFixture.definitions(directory.path, durability: durability)
        let store = store(definitions)
        var live = try store.openShard(0)
        try live.apply(clicks(0..<5), ShardFixture.progress(next: 5))
        let plan = try store.plan(features: ["clicks_of_customer_n"])
        let isDone = Atomic(false)
        let lookups = Atomic(0)
        let faults = Mutex<[String]>([])
        let threads = (0..<4).map { _ in
            Thread {
                var last: Int64 = 0
                while !isDone.load(ordering: .relaxed) {
                    do {
                        let vector = try Array("c0".utf8).withUnsafeBytes { try store.lookup(plan, key: $0, asOf: ShardFixture.noon + .days(1)) }
                        guard case .int(let n) = vector.values[0].value, n >= last else {
                            faults.withLock { $0.append("\(vector.values[0].value) after \(last)") }
                            return
                        }
                        last = n
                        lookups.add(1, ordering: .relaxed)
                    } catch { faults.withLock { $0.append("\(error)") } }
                }
            }
        }
        for thread in threads { thread.start() }
        for round in 1...20 {
            let end = round * 25
            try build(definitions, upTo: end)
            let next = try #require(try store.openNext(0) { Issue.record("warned: \($0)") })
            #expect(next.nextOffset(stream: 0) == Int64(end))
            // It catches up with what came meanwhile.
            try next.apply(clicks(end..<end + 5), ShardFixture.progress(next: Int64(end) + 5))
            live = try store.adoptNext(0)
            #expect(live === store.shards[0] && live.nextOffset(stream: 0) == Int64(end) + 5)
            try live.apply(clicks(end + 5..<end + 10), ShardFixture.progress(next: Int64(end) + 10))
            #expect(try names() == ["shard-0000"])
        }
        isDone.store(true, ordering: .relaxed)
        while threads.contains(where: { !$0.isFinished }) { usleep(1000) }
        #expect(faults.withLock { $0 } == [])
        #expect(lookups.load(ordering: .relaxed) > 100)
        #expect(live.counts[0].applied == 510)
        store.closeAll()
        let again = self.store(definitions)
        _ = try again.openShard(0)
        #expect(applied(again) == 510)
        again.closeAll()
    }

    @Test(arguments: StoreSettings.Durability.allCases)
    func `a generation that was catching up when the process ended is adopted at the next start`(durability: StoreSettings.Durability) throws {
        let definitions = ShardFixture.definitions(directory.path, durability: durability)
        try prepare(definitions)
        let store = store(definitions)
        _ = try store.openShard(0)
        #expect(applied(store) == 20)
        try build(definitions, upTo: 40)
        let next = try #require(try store.openNext(0) { _ in })
        try next.apply(clicks(40..<50), ShardFixture.progress(next: 50))
        let session = try String(contentsOfFile: files.next + "/session", encoding: .utf8)
        #expect(session.hasPrefix("open "))
        store.closeAll()
        #expect(try names() == ["shard-0000", "shard-0000.next"])
        // As a killed process leaves it.
        try session.write(toFile: files.next + "/session", atomically: true, encoding: .utf8)
        _ = try store.openShard(0)
        #expect(applied(store) == 50)
        #expect(try names() == ["shard-0000"])
        store.closeAll()
    }
}
