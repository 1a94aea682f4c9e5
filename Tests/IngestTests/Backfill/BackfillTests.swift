import FeatureStore
import Foundation
import Ingest
import TestSupport
import Testing

/// A store and logs in a directory; what a backfill makes of them.
final class BackfillFixture {
    let directory = FileManager.default.temporaryDirectory.appending(path: "millrace-backfill-\(UInt64.random(in: 0 ... .max))")
    var definitions: Definitions
    static let partitions = 3

    init() {
        try! FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let clicks = StreamDefinition(
            name: "clicks", topic: "clicks", keys: [EntityKey(entity: "customer", path: FieldPath("customer"))],
            time: EventTime(path: FieldPath("time"), format: .epochSeconds), idPath: FieldPath("id"), allowedLateness: .hours(1),
            fields: [FieldDefinition(name: "product", type: .string)])
        let pageViews = StreamDefinition(
            name: "views", topic: "views", keys: [EntityKey(entity: "customer", path: FieldPath("customer"))],
            time: EventTime(path: FieldPath("time"), format: .epochSeconds), fields: [])
        func view(_ name: String, _ stream: String) -> ViewDefinition {
            ViewDefinition(
                name: name, entity: "customer", stream: stream,
                features: [FeatureDefinition(name: name, aggregation: .count(field: nil), window: .lifetime)])
        }
        definitions = Definitions(
            name: "test", entities: [EntityDefinition(name: "customer")], streams: [clicks, pageViews],
            views: [view("n_clicks", "clicks"), view("n_views", "views")])
        definitions.store.directory = directory.appending(path: "data").path
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    func write(_ name: String, _ text: String) -> String {
        let file = directory.appending(path: name)
        try! Data(text.utf8).write(to: file)
        return file.path
    }

    /// Clicks and views, some late, some twice, some broken.
    static func log(_ count: Int, seed: UInt64) -> String {
        var random = SeededGenerator(seed: seed)
        var lines: [String] = []
        for n in 0..<count {
            let time = 1_700_000_000 + n * 10 - (random.chance(5) ? random.below(10_000) : 0)
            let customer = "c\(random.below(40))"
            if random.chance(3) { lines.append(#"{"topic":"clicks","value":{"broken"#) }
            if random.chance(2) { lines.append("what is this") }
            if random.chance(2) { lines.append(#"{"topic":"other","value":{}}"#) }
            if random.chance(60) {
                let line = #"{"topic":"clicks","value":{"id":"e\#(n)","customer":"\#(customer)","time":\#(time),"product":"p\#(n % 7)"}}"#
                lines.append(line)
                if random.chance(10) { lines.append(line) }
            } else {
                lines.append(#"{"topic":"views","value":{"customer":"\#(customer)","time":\#(time)}}"#)
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    func options(_ paths: [String], block: Int = 1 << 20, round: Int = 32 << 20) -> Backfill.Options {
        var options = Backfill.Options(logs: LogOptions(paths: paths, threads: 2, blockBytes: block), partitions: Self.partitions)
        options.roundBytes = round
        return options
    }

    /// `stopAfter` chunks it is interrupted.
    func run(_ options: Backfill.Options, stopAfter: Int = .max) throws -> Backfill.Outcome {
        let backfill = try Backfill(definitions: definitions, descriptorSets: [nil, nil], options: options)
        var chunks = 0
        return try backfill.run(isInterrupted: {
            chunks += 1
            return chunks >= stopAfter
        })
    }

    /// Every row of the live shards.
    func rows() throws -> [[String: [UInt8]]] {
        try (0..<Self.partitions).map { number in
            let shard = try Shard(
                number: number, definitions: definitions, directory: definitions.store.directory, partitionCounts: [:], readOnly: true)
            defer { shard.close() }
            var rows: [String: [UInt8]] = [:]
            try shard.forEachRow(entity: 0) { key, row in
                rows[String(decoding: key, as: UTF8.self)] = Array(row)
                return true
            }
            return rows
        }
    }

    func removeStore() { try? FileManager.default.removeItem(atPath: definitions.store.directory) }
    var shardNames: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: definitions.store.directory)) ?? []).sorted() }
}

@Suite struct BackfillTests {
    let fixture = BackfillFixture()

    /// However it is cut into blocks, rounds and runs, the same rows and counts.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func interruptionsDoNotMatter(_ seed: UInt64) throws {
        let path = fixture.write("events.ndjson", BackfillFixture.log(3_000, seed: seed))
        let whole = try fixture.run(fixture.options([path]))
        #expect(whole.isComplete)
        #expect(whole.adopted == BackfillFixture.partitions)
        let rows = try fixture.rows()
        #expect(rows.reduce(0) { $0 + $1.count } == 40)
        #expect(whole.counts[0].applied > 1_500 && whole.counts[0][.duplicate] > 50 && whole.counts[0][.malformed] > 30)
        #expect(whole.skipped.noStream > 20 && whole.skipped.otherTopics > 20)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<4 {
            fixture.removeStore()
            var outcome: Backfill.Outcome!
            var runs = 0
            while outcome?.isComplete != true {
                let block = [700, 3_000, 20_000][random.below(3)], round = [1, 10_000, 50_000][random.below(3)]
                outcome = try fixture.run(fixture.options([path], block: block, round: round), stopAfter: 1 + random.below(60))
                if !outcome.isComplete { #expect(fixture.shardNames.allSatisfy { $0.hasSuffix(".next") }) }
                runs += 1
                try #require(runs < 1_000)
            }
            #expect(outcome.counts == whole.counts)
            #expect(outcome.skipped == whole.skipped)
            #expect(try fixture.rows() == rows)
        }
    }

    /// An error in the middle of the logs leaves a place to go on, too.
    @Test func aBrokenFileIsMendedAndGoneOnWith() throws {
        let log = BackfillFixture.log(2_000, seed: 9)
        let whole = try fixture.run(fixture.options([fixture.write("1.ndjson", log)]))
        let rows = try fixture.rows()
        fixture.removeStore()
        // Of the same size, so that it is taken for the same file.
        let broken = Array(log.utf8.dropLast(200)) + Array(repeating: UInt8(ascii: "x"), count: 200)
        var options = fixture.options([fixture.write("1.ndjson", String(decoding: broken, as: UTF8.self))], block: 5_000, round: 1)
        options.logs.maxRecordBytes = 150
        #expect(throws: LogError.self) { try fixture.run(options) }
        _ = fixture.write("1.ndjson", log)
        options.logs.maxRecordBytes = 1 << 20
        let mended = try fixture.run(options)
        #expect(mended.isComplete)
        #expect(mended.counts == whole.counts)
        #expect(try fixture.rows() == rows)
    }

    @Test func offsetsBecomePositions() throws {
        func line(_ topic: String, _ partition: Int, _ offset: Int, _ n: Int) -> String {
            #"{"topic":"\#(topic)","partition":\#(partition),"offset":\#(offset),"timestamp_ms":1700000000000,"value":{"id":"e\#(n)","customer":"c","time":\#(1_700_000_000 + n)}}"# + "\n"
        }
        let path = fixture.write("dump.json", line("clicks", 0, 10, 1) + line("clicks", 2, 0, 2) + line("clicks", 0, 13, 3) + line("views", 0, 0, 1_000))
        let outcome = try fixture.run(fixture.options([path]))
        #expect(outcome.positions.map { "\($0.topic)[\($0.partition)]@\($0.nextOffset)" } == ["clicks[0]@14", "views[0]@1", "clicks[2]@1"])
        #expect(outcome.gaps == [.init(topic: "clicks", partition: 0, count: 2)])
        #expect(outcome.beginnings == [.init(topic: "clicks", partition: 0, count: 10)])
        #expect(outcome.partitionMismatches > 0)
        // A thousand seconds after the broker's timestamp.
        #expect(outcome.counts[1][.future] == 1)
        #expect(try fixture.rows().map(\.count) == [1, 0, 1])
        let far = fixture.write("far.json", line("clicks", 3, 0, 1))
        #expect(throws: BackfillError.noSuchPartition(topic: "clicks", partition: 3, count: 3, path: far)) {
            _ = try Generation.discardAll(in: fixture.definitions.store.directory)
            _ = try fixture.run(fixture.options([far]))
        }
    }

    @Test func cutOverTimesAreRemembered() throws {
        let path = fixture.write("views.ndjson", (0..<100).map { #"{"customer":"c\#($0)","time":\#(1_700_000_000 + $0)}"# }.joined(separator: "\n"))
        var options = fixture.options([path])
        options.logs.until = 1_700_000_040_000_000
        let outcome = try fixture.run(options)
        #expect(outcome.counts[1].applied == 40)
        #expect(outcome.skipped.outside == 60)
        let shard = try Shard(number: 0, definitions: fixture.definitions, directory: fixture.definitions.store.directory, partitionCounts: [:], readOnly: true)
        defer { shard.close() }
        #expect(shard.cutover(stream: 0) == 1_700_000_040_000_000)
        #expect(shard.cutover(stream: 1) == 1_700_000_040_000_000)
        #expect(shard.backfillMark == nil)
        #expect(shard.nextOffset(stream: 1) == nil)
    }

    @Test func theLiveStoreIsUntouchedUntilItIsAdopted() throws {
        _ = try fixture.run(fixture.options([fixture.write("views.ndjson", #"{"customer":"a","time":1700000000}"#)]))
        let before = try fixture.rows()
        let path = fixture.write("views2.ndjson", #"{"customer":"b","time":1700000000}"#)
        var options = fixture.options([path])
        options.logs.stream = "views"
        let outcome = try fixture.run(options)
        #expect(outcome.isComplete)
        #expect(outcome.adopted == 0)
        #expect(try fixture.rows() == before)
        #expect(fixture.shardNames.count { $0.hasSuffix(".next") } == BackfillFixture.partitions)
        // The store knows its partitions.
        options.partitions = nil
        #expect(try fixture.run(options).isComplete)
        options.partitions = 5
        #expect(throws: BackfillError.otherPartitions(topic: "clicks", store: 3, wanted: 5)) { try fixture.run(options) }
        try Generation.discardAll(in: fixture.definitions.store.directory)
        #expect(fixture.shardNames.allSatisfy { !$0.hasSuffix(".next") })
        fixture.removeStore()
        options.partitions = nil
        #expect(throws: BackfillError.partitionsUnknown) { try fixture.run(options) }
    }

    @Test func otherLogsDoNotGoOnWithWhatWasBegun() throws {
        let one = fixture.write("1.ndjson", BackfillFixture.log(500, seed: 1)), two = fixture.write("2.ndjson", BackfillFixture.log(500, seed: 2))
        #expect(try !fixture.run(fixture.options([one], block: 1_000, round: 1), stopAfter: 3).isComplete)
        #expect(throws: ShardError.self) { try fixture.run(fixture.options([two])) }
        try Generation.discardAll(in: fixture.definitions.store.directory)
        #expect(try fixture.run(fixture.options([two])).isComplete)
    }
}
