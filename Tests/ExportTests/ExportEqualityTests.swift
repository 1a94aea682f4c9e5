import Export
import FeatureStore
import Foundation
import TestSupport
import Testing

/// Exports of random logs against a real store that was fed as the export claims. `EXPORT_SEED=n` runs one seed alone.
@Suite struct ExportEquality {
    private static let one = UInt64(ProcessInfo.processInfo.environment["EXPORT_SEED"] ?? "")
    static let seeds: [UInt64] = one.map { [$0] } ?? Array(0..<150)

    @Test(arguments: seeds)
    func `as known, rows equal what a store answers that has just those records`(seed: UInt64) throws {
        let scenario = try ExportScenario(seed: seed)
        for (entity, service) in scenario.service {
            let requests = scenario.requests[entity]!
            let exported = try scenario.export(entity, isAsKnown: true)
            var expected = [String](repeating: "", count: requests.count)
            var reference = try ReferenceStore(scenario.definitions)
            var applied = 0
            for i in requests.indices.sorted(by: { (requests[$0].time, $0) < (requests[$1].time, $1) }) {
                let arrived = scenario.events.filter { $0.recordTime <= requests[i].time }
                if !scenario.isInOrder {
                    reference = try ReferenceStore(scenario.definitions)
                    applied = 0
                }
                try reference.apply(Array(arrived[applied...]))
                applied = arrived.count
                expected[i] = try reference.line(entity, service, requests[i])
            }
            #expect(exported == expected, "seed \(seed), \(entity)")
        }
    }

    @Test(arguments: seeds)
    func `by event time, rows equal what a store answers that has the accepted events up to then`(seed: UInt64) throws {
        let scenario = try ExportScenario(seed: seed)
        // Nothing that was accepted once is refused.
        let lenient = try ExportScenario.definitions(latenessSeconds: 34_560_000, maxIDs: 1_000_000)
        for (entity, service) in scenario.service {
            let requests = scenario.requests[entity]!
            let exported = try scenario.export(entity, isAsKnown: false)
            let accepted = try scenario.accepted(entity).sorted { $0.time < $1.time }
            let reference = try ReferenceStore(lenient)
            var expected = [String](repeating: "", count: requests.count)
            var applied = 0
            for i in requests.indices.sorted(by: { (requests[$0].time, $0) < (requests[$1].time, $1) }) {
                let before = accepted.prefix { $0.time <= requests[i].time }
                try reference.apply(Array(before[applied...]))
                applied = before.count
                expected[i] = try reference.line(entity, service, requests[i])
            }
            #expect(exported == expected, "seed \(seed), \(entity)")
        }
    }

    @Test func `the scenarios give every feature a value`() throws {
        var valued: Set<String> = []
        var names: Set<String> = []
        for seed in 0..<UInt64(30) {
            let scenario = try ExportScenario(seed: seed)
            for (entity, service) in scenario.service {
                let features = scenario.definitions.services.first { $0.name == service }!.features
                names.formUnion(features)
                for line in try scenario.export(entity, isAsKnown: true) {
                    for name in features
                    where line.contains("\"\(name).status\":\"present\"") && !line.contains("\"\(name)\":0,") { valued.insert(name) }
                }
            }
        }
        #expect(names.subtracting(valued) == [])
    }

    @Test(arguments: seeds.prefix(40), [false, true])
    func `memory, threads and logs that repeat records change nothing`(seed: UInt64, isAsKnown: Bool) throws {
        let scenario = try ExportScenario(seed: seed)
        for (entity, _) in scenario.service {
            let usual = try scenario.export(entity, isAsKnown: isAsKnown)
            #expect(try scenario.export(entity, isAsKnown: isAsKnown, memoryBytes: 8192, threads: 1) == usual, "seed \(seed): spilled")
            #expect(try scenario.export(entity, isAsKnown: isAsKnown, memoryBytes: 4096, threads: 3) == usual, "seed \(seed): threads")
            #expect(try scenario.export(entity, isAsKnown: isAsKnown, repeats: true) == usual, "seed \(seed): repeated")
        }
    }
}

extension ExportScenario {
    /// The lines of an export of all requests of an entity.
    func export(
        _ entity: String, isAsKnown: Bool, memoryBytes: Int = 64 << 20, threads: Int = 2, repeats: Bool = false
    ) throws -> [String] {
        let directory = TemporaryDirectory()
        var list = "\(entity),time\n"
        for request in requests[entity]! { list += "\(request.key),\(request.time)\n" }
        try list.write(toFile: directory.file("requests.csv"), atomically: true, encoding: .utf8)
        var source = RequestSource(path: directory.file("requests.csv"))
        source.timeFormat = .epochMicroseconds
        var options = ExportOptions(
            features: .service(service[entity]!), requests: source, output: directory.file("out.ndjson"), format: .ndjson)
        options.isAsKnown = isAsKnown
        options.hasStatus = true
        options.memoryBytes = memoryBytes
        options.threads = threads
        options.temporaryDirectory = directory.path
        let export = try TrainingExport(definitions, options)
        // With offsets the order of reading does not matter.
        for part in repeats ? [Array(events.reversed()), events] : [events] {
            let origins = part.map {
                EventOrigin(partition: Int32($0.partition), recordTime: $0.recordTime, order: $0.offset, isOffset: true)
            }
            try origins.withUnsafeBufferPointer { origins throws in try export.take(Self.batch(part), origins) }
        }
        let summary = try export.finish()
        #expect(summary.rows == requests[entity]!.count)
        let left = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(left.sorted() == ["out.ndjson", "requests.csv"], "nothing else is left")
        let text = try String(contentsOfFile: directory.file("out.ndjson"), encoding: .utf8)
        return text.split(separator: "\n").map(String.init)
    }

    /// The events that a row of the entity accepts, as its shard reads them.
    func accepted(_ entity: String) throws -> [Event] {
        let catalog = Catalog(definitions)
        let plan = catalog.entities.first { $0.name == entity }!
        var accepted: [Event] = []
        var rows: [String: [Event]] = [:]
        for event in events where event.stream < (entity == "customer" ? Self.topics.count : 1) {
            rows["\(event.keys[entity == "customer" ? 0 : 1])/\(event.partition)", default: []].append(event)
        }
        for (_, ofRow) in rows.sorted(by: { $0.key < $1.key }) {
            let editor = RowEditor(plan: plan)
            let batch = Self.batch(ofRow)
            try editor.begin(nil)
            for (i, event) in ofRow.enumerated() {
                let record = batch.events[i]
                let outcome = editor.apply(
                    stream: plan.streams.firstIndex { $0.index == event.stream }!, time: record.time, id: record.id,
                    values: batch.values + Int(record.firstValue))
                if outcome == .applied { accepted.append(event) }
            }
        }
        return accepted
    }
}
