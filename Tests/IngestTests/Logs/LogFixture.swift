import FeatureStore
import Foundation
import Ingest

/// A directory of log files, and what comes out of them.
final class LogFixture {
    let directory: URL
    var definitions: Definitions

    init(_ streams: [StreamDefinition] = [LogFixture.clicks, LogFixture.purchases]) {
        directory = FileManager.default.temporaryDirectory.appending(path: "millrace-logs-\(UInt64.random(in: 0 ... .max))")
        try! FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        definitions = Definitions(name: "test", entities: [EntityDefinition(name: "customer")], streams: streams, views: [])
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    static let clicks = StreamDefinition(
        name: "clicks", topic: "clicks", keys: [EntityKey(entity: "customer", path: FieldPath("customer"))],
        time: EventTime(path: FieldPath("time"), format: .epochSeconds),
        fields: [
            FieldDefinition(name: "product", path: FieldPath("product.id"), type: .string),
            FieldDefinition(name: "price", path: FieldPath("product.price"), type: .decimal(scale: 2)),
            FieldDefinition(name: "seen", type: .bool),
        ])
    static let purchases = StreamDefinition(
        name: "purchases", topic: "shop.purchases", keys: [EntityKey(entity: "customer", path: FieldPath("customer"))],
        time: EventTime(path: FieldPath("time"), format: .epochSeconds), fields: [FieldDefinition(name: "n", type: .int64)])

    @discardableResult
    func write(_ name: String, _ text: String) -> String { write(name, Array(text.utf8)) }
    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) -> String {
        let file = directory.appending(path: name)
        try! FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try! Data(bytes).write(to: file)
        return file.path
    }
    func path(_ name: String) -> String { directory.appending(path: name).path }

    /// The file as another tool compresses it.
    func compress(_ tool: String, _ name: String) -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [tool, "-k", "-q", path(name)]
        try! process.run()
        process.waitUntilExit()
        precondition(process.terminationStatus == 0, "\(tool) failed")
        return path(name + (tool == "gzip" ? ".gz" : ".zst"))
    }

    /// Everything a run delivers, in words.
    struct Result {
        var events: [String] = []
        var drops: [String] = []
        var faults: [String] = []
        var spans: [String] = []
        var records = 0, otherTopics = 0
        var outside: UInt64 = 0
        var chunks = 0
        var ends: [LogPosition] = []
        var error: String?
    }

    func options(_ paths: [String]) -> LogOptions { LogOptions(paths: paths, threads: 3) }

    func run(
        _ options: LogOptions, from: LogPosition? = nil, cuts: [LogPosition] = [], stopAfter: Int = .max
    ) -> Result {
        var result = Result()
        do {
            let pipeline = try LogPipeline(
                definitions: definitions, descriptorSets: definitions.streams.map { _ in Corpus.descriptors }, options: options)
            try pipeline.run(from: from, cuts: cuts) { chunk in
                result.chunks += 1
                result.records += chunk.records
                result.otherTopics += chunk.otherTopics
                result.outside += chunk.outside.reduce(0, +)
                result.ends.append(chunk.position)
                for n in 0..<chunk.batch.eventCount { result.events.append(text(chunk, n)) }
                result.drops += chunk.drops.map { "\($0.stream) \($0.reason) \($0.partition)" }
                result.faults += chunk.faults.map { "\($0)".replacing(directory.path + "/", with: "") }
                result.spans += chunk.spans.map { "\($0.stream)[\($0.partition)] \($0.first)-\($0.last) -\($0.missing)" }
                precondition(chunk.records == chunk.batch.eventCount + chunk.drops.count + chunk.otherTopics + Int(chunk.outside.reduce(0, +)))
                return result.chunks < stopAfter
            }
        } catch {
            result.error = "\(error)".replacing(directory.path + "/", with: "")
        }
        return result
    }

    private func text(_ chunk: LogChunk, _ n: Int) -> String {
        let event = chunk.batch.events[n]
        let end = n + 1 < chunk.batch.eventCount ? Int(chunk.batch.events[n + 1].firstValue) : chunk.batch.valueCount
        let values = (Int(event.firstValue)..<end).map { slot -> String in
            let value = chunk.batch.values[slot]
            return switch value.kind {
            case .null: "null"
            case .integer: "\(value.word)"
            case .string: String(validating: value.bytes, as: UTF8.self)!
            case .vector: "\(Array(value.bytes.bindMemory(to: Int64.self)))"
            }
        }
        var place = ""
        if chunk.partitions[n] >= 0 { place = " @\(chunk.partitions[n]):\(chunk.offsets[n])" }
        if chunk.recordTimes[n] >= 0 { place += " t\(chunk.recordTimes[n])" }
        return "\(event.stream) \(event.time / 1_000_000) \(values.joined(separator: "|"))\(place)"
    }
}
