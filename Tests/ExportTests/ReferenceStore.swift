import FeatureStore
import Foundation
import TestSupport

/// What the server would answer: a real store with real shards.
final class ReferenceStore {
    let store: Store
    private let directory: TemporaryDirectory
    private let shards: [Shard]

    init(_ given: Definitions) throws {
        directory = TemporaryDirectory()
        var definitions = given
        definitions.store.directory = directory.path
        store = Store(definitions)
        store.setPartitionCounts(Dictionary(uniqueKeysWithValues: ExportScenario.topics.map { ($0, ExportScenario.partitions) }))
        let store = store
        shards = try (0..<ExportScenario.partitions).map { try store.openShard($0) }
    }

    deinit { store.closeAll() }

    func apply(_ events: [ExportScenario.Event]) throws {
        for shard in shards {
            let own = events.filter { $0.partition == shard.number }
            if own.isEmpty { continue }
            try shard.apply(ExportScenario.batch(own), BatchProgress(streamCount: ExportScenario.topics.count))
        }
    }

    /// The vector as a line of the export's NDJSON.
    func line(_ entity: String, _ service: String, _ request: ExportScenario.Request) throws -> String {
        let plan = try store.plan(service: service)
        let vector = try Array(request.key.utf8).withUnsafeBytes { try store.lookup(plan, key: $0, asOf: request.time) }
        var members = ["\"\(entity)\":\"\(request.key)\"", "\"time\":\(request.time)"]
        for (name, value) in zip(plan.featureNames, vector.values) {
            members.append("\"\(name)\":\(Self.json(value.value))")
            members.append("\"\(name).status\":\"\(value.status)\"")
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    static func json(_ value: Value) -> String {
        switch value {
        case .null: return "null"
        case .bool(let value): return "\(value)"
        case .int(let value): return "\(value)"
        case .decimal(let units, let scale):
            var digits = String(units.magnitude)
            while digits.count <= scale { digits = "0" + digits }
            var fraction = String(digits.suffix(scale))
            while fraction.last == "0" { fraction.removeLast() }
            return (units < 0 ? "-" : "") + digits.dropLast(scale) + (fraction.isEmpty ? "" : "." + fraction)
        case .double(let value): return value.description
        case .string(let text): return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
        case .list(let values): return "[" + values.map(json).joined(separator: ",") + "]"
        case .map(let entries): return "{" + entries.map { json(.string($0.key)) + ":" + json($0.value) }.joined(separator: ",") + "}"
        }
    }
}
