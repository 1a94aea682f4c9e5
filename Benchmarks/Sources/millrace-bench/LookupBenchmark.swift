internal import FeatureStore
internal import Glibc
internal import JSONBytes
internal import LMDB
internal import Serving

/// Lookups of a service's vector in process, against bare LMDB gets of the same keys in the same shuffled order, one thread, in turns.
/// The entities are those of the store; the customers' shards are found by their key, as for a request. Rates are per second of CPU time:
/// nothing here waits, and what else the machine does in between does not count. Answers are what the transports send: the vector in JSON.
enum LookupBenchmark {
    static func run(_ arguments: Arguments, _ results: Results) throws {
        let directory = try arguments.required("store")
        let definitions = try arguments.definitions(store: directory)
        let paths = RowSizes.shardPaths(directory)
        var keys: [[UInt8]] = []
        _ = try RowSizes.read(shards: paths) { keys.append(Array($0)) }
        keys.shuffle()
        guard !keys.isEmpty else { throw Arguments.Problem("no rows in \(directory)") }
        let seconds = Double(try arguments.int("seconds", 3))
        let service = arguments.text("service", "homepage")
        let only = arguments.text("only", "both")
        var ours: [Double] = [], bare: [Double] = [], answers: [Double] = []
        for _ in 0..<(try arguments.int("rounds", 3)) {
            if only == "answers" || only == "both" { answers.append(try self.answers(definitions, keys, service, seconds)) }
            if only == "vectors" || only == "both" { ours.append(try lookups(definitions, keys, service, seconds)) }
            if only == "bare" || only == "both" { bare.append(try gets(definitions, paths, keys, seconds)) }
        }
        let ratio = median(zip(ours, bare).map { $0 / $1 })
        print("""
            lookup in process: \(thousands(median(ours))) vectors/s of service \(service), bare LMDB \(thousands(median(bare))) gets/s, \
            ratio \(fixed(ratio)); answers in JSON \(thousands(median(answers)))/s
            """)
        results.add("lookup.vectors", median(ours))
        results.add("lookup.gets", median(bare))
        results.add("lookup.answers", median(answers))
        results.add("lookup.ratio", ratio)
    }

    private static func lookups(
        _ definitions: Definitions, _ keys: [[UInt8]], _ service: String, _ seconds: Double
    ) throws -> Double {
        let store = Store(definitions)
        try store.openExisting()
        defer { store.closeAll() }
        let plan = try store.plan(service: service)
        let now = Store.now()
        var vector = Vector()
        func lookUp(_ key: UnsafeRawBufferPointer) throws {
            try store.lookup(plan, key: key, asOf: now, into: &vector)
            if !vector.found { throw Arguments.Problem("a key of the store is not found by lookup") }
        }
        try countAllocations("a vector", keys, lookUp)
        return try rate(seconds, keys, lookUp)
    }

    private static func answers(
        _ definitions: Definitions, _ keys: [[UInt8]], _ service: String, _ seconds: Double
    ) throws -> Double {
        let store = Store(definitions)
        try store.openExisting()
        defer { store.closeAll() }
        let answering = LookupService(source: LookupSource(store: store))
        let service = Array(service.utf8)
        var json = JSONWriter(reservingBytes: 4096)
        var vector = Vector()
        func answer(_ key: UnsafeRawBufferPointer) throws {
            json.reset()
            let problem = service.withUnsafeBytes { answering.writeEntity(service: $0, key: key, to: &json, in: &vector) }
            if let problem { throw Arguments.Problem("\(problem)") }
        }
        try countAllocations("an answer", keys, answer)
        return try rate(seconds, keys, answer)
    }

    private static func countAllocations(
        _ what: String, _ keys: [[UInt8]], _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        guard let before = Allocations.count else { return }
        for key in keys { try key.withUnsafeBytes(body) }
        print("lookup in process: allocations of \(what) \(fixed(Double(Allocations.count! - before) / Double(keys.count)))")
    }

    private static func gets(
        _ definitions: Definitions, _ paths: [String], _ keys: [[UInt8]], _ seconds: Double
    ) throws -> Double {
        let environments = try paths.map { try Environment(.init(path: $0, mapBytes: 1 << 20, readOnly: true)) }
        defer { for environment in environments { environment.close() } }
        let tables = try environments.map { try $0.openTable("rows") }
        let partitioner = definitions.streams[0].partitioner
        var sum = 0
        let rate = try rate(seconds, keys) { key in
            let shard = partitioner.partition(of: key, count: paths.count)
            try withUnsafeTemporaryAllocation(byteCount: 1 + key.count, alignment: 1) { prefixed in
                prefixed[0] = 1
                UnsafeMutableRawBufferPointer(rebasing: prefixed[1...]).copyMemory(from: key)
                try environments[shard].read { transaction in
                    sum &+= try transaction.get(tables[shard], UnsafeRawBufferPointer(prefixed))?.count ?? 0
                }
            }
        }
        guard sum != 0 else { throw Arguments.Problem("bare gets found nothing") }
        return rate
    }

    private static func rate(
        _ seconds: Double, _ keys: [[UInt8]], _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Double {
        var done = 0
        let before = Cost.now()
        var cost = Cost()
        repeat {
            for _ in 0..<1_000 {
                try keys[done % keys.count].withUnsafeBytes(body)
                done += 1
            }
            cost = Cost.now() - before
        } while cost.wall < seconds
        return Double(done) / cost.cpu
    }
}
