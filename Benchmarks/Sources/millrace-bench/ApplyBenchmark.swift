internal import FeatureStore
internal import LMDB

/// `Shard.apply` without Kafka and without decoding, against bare LMDB in the same process, in turns.
///
/// The first half of the batches fills a fresh store and is not timed, so that rows have their size and memory has been allocated.
/// The second half is timed. What counts is the median, over rounds, of the two rates' ratio.
struct ApplyBenchmark {
    private let arguments: Arguments
    private let results: Results
    private let workload: Workload
    private let rounds: Int
    private let only: String
    /// Roomy from the start, for both sides: growing the map is not what is measured.
    private static let mapBytes = 8 << 30

    init(_ arguments: Arguments, _ results: Results) throws {
        self.arguments = arguments
        self.results = results
        rounds = try arguments.int("rounds", 3)
        only = arguments.text("only", "both")
        let events = try arguments.int("events", 2_000_000)
        print("apply: making \(thousands(Double(events))) events first ...")
        workload = try Workload(arguments, events: events)
    }

    private var timed: ArraySlice<Workload.Batch> { workload.batches[(workload.batches.count / 2)...] }
    private var timedEvents: Double { Double(timed.reduce(0) { $0 + $1.eventCount }) }

    func run() throws {
        let visits = Double(timed.reduce(0) { $0 + $1.rows })
        print("apply: \(thousands(timedEvents)) events timed; \(fixed(timedEvents / visits)) events per row visited")
        results.add("apply.events_per_row_visited", timedEvents / visits)
        var rowBytes = try arguments.int("row-bytes", 1024)
        var measured = false
        for durability in try arguments.durabilities() {
            if !measured, only != "bare" {
                rowBytes = Int(try shardRound(durability, measureRows: true).meanRowBytes.rounded())
                measured = true
            }
            try run(durability, rowBytes: rowBytes)
        }
    }

    private func run(_ durability: StoreSettings.Durability, rowBytes: Int) throws {
        var shard: [Double] = [], bare: [Double] = [], grouped: [Double] = []
        var shardCPU: [Double] = [], bareCPU: [Double] = []
        var shardAllocations: UInt64?, bareAllocations: UInt64?
        for _ in 0..<rounds {
            if only != "bare" {
                let round = try shardRound(durability)
                shard.append(round.eventsPerSecond)
                shardCPU.append(round.nanoseconds)
                shardAllocations = round.allocations
            }
            if only != "shard" {
                let round = try bareRound(rowBytes: rowBytes, once: false)
                bare.append(round.eventsPerSecond)
                bareCPU.append(round.nanoseconds)
                bareAllocations = round.allocations
                grouped.append(try bareRound(rowBytes: rowBytes, once: true).eventsPerSecond)
            }
        }
        let name = "apply.\(durability.rawValue)"
        if !shard.isEmpty {
            let rate = median(shard)
            print("  \(durability.rawValue): shard \(thousands(rate)) events/s, \(fixed(median(shardCPU), 0)) ns CPU an event")
            results.add("\(name).shard", rate)
            results.add("\(name).cpu_ns", median(shardCPU))
        }
        if !bare.isEmpty {
            print("""
                  \(durability.rawValue): bare LMDB, rows of \(rowBytes) bytes: \(thousands(median(bare))) events/s one get and put per event (\(fixed(median(bareCPU), 0)) ns CPU); \
                \(thousands(median(grouped))) one per row visited
                """)
            results.add("\(name).bare", median(bare))
        }
        if !shard.isEmpty, !bare.isEmpty {
            let ratio = median(zip(shard, bare).map { $0 / $1 })
            let strict = median(zip(shard, grouped).map { $0 / $1 })
            print("  \(durability.rawValue): ratio \(fixed(ratio)) (against one get and put per row visited: \(fixed(strict)))")
            results.add("\(name).ratio", ratio)
            results.add("\(name).ratio_per_row", strict)
        }
        if let shardAllocations {
            let each = Double(shardAllocations) / timedEvents
            print("  \(durability.rawValue): shard, allocations per event \(fixed(each, 4))")
            results.add("\(name).shard_allocations", each)
        }
        if let bareAllocations {
            let each = Double(bareAllocations) / timedEvents
            print("  \(durability.rawValue): bare LMDB, allocations per event \(fixed(each, 4))")
            results.add("\(name).bare_allocations", each)
        }
    }

    private struct Round {
        var eventsPerSecond = 0.0
        /// Of CPU, per event.
        var nanoseconds = 0.0
        var allocations: UInt64?
        var meanRowBytes = 0.0
    }

    private func shardRound(_ durability: StoreSettings.Durability, measureRows: Bool = false) throws -> Round {
        let directory = try ScratchDirectory(arguments)
        defer { directory.remove() }
        var definitions = try arguments.definitions(store: directory.path, durability: durability)
        definitions.store.initialMapBytes = Self.mapBytes
        let store = Store(definitions)
        let shard = try store.openShard(0)
        var round = try time { try shard.apply(workload.events, $0.progress) }
        store.closeAll()
        if measureRows {
            let sizes = try RowSizes.read(shards: [Shard.path(directory.path, 0)])
            sizes.print("  rows: ")
            sizes.record("apply.row_bytes", results)
            round.meanRowBytes = sizes.mean
        }
        return round
    }

    private func bareRound(rowBytes: Int, once: Bool) throws -> Round {
        let directory = try ScratchDirectory(arguments)
        defer { directory.remove() }
        let store = try BareStore(directory: directory.path, mapBytes: Self.mapBytes, rowBytes: rowBytes)
        defer { store.close() }
        return try time { try store.apply($0, once: once) }
    }

    private func time(_ apply: (Workload.Batch) throws -> Void) throws -> Round {
        for batch in workload.batches[..<timed.startIndex] {
            try workload.decode(batch)
            try apply(batch)
        }
        var cost = Cost()
        var allocations: UInt64?
        for batch in timed {
            // Also for bare LMDB: both find the caches in the same state.
            try workload.decode(batch)
            let allocated = Allocations.count
            let one = try Cost.of { try apply(batch) }
            cost.wall += one.wall
            cost.cpu += one.cpu
            if let allocated, let now = Allocations.count { allocations = (allocations ?? 0) + now - allocated }
        }
        return Round(
            eventsPerSecond: timedEvents / cost.wall, nanoseconds: cost.cpu / timedEvents * 1e9,
            allocations: allocations)
    }
}
