internal import FeatureStore
internal import Glibc
internal import Ingest
internal import Monitoring

/// The whole way from the broker to committed rows, of a backlog that is there already: `IngestService` from its start until every
/// record is applied or counted as dropped. The rate counts from the first applied batch on, as `consume` counts from its first
/// records; the CPU time counts from the start.
enum IngestBenchmark {
    static func run(_ arguments: Arguments, _ results: Results) throws {
        _ = try arguments.required("brokers")
        let expected = UInt64(try arguments.int("expect", 0))
        guard let mode = try arguments.durabilities().first else { return }
        let definitions = try arguments.definitions(store: try arguments.required("store"), durability: mode)
        let store = Store(definitions)
        // `--monitored yes`: with feature monitoring of all features, as `serve` has it.
        let isMonitored = arguments.text("monitored", "no") == "yes"
        let watch = isMonitored ? try FeatureWatch(store, definitions.monitoring ?? MonitoringSettings()) { _ in } : nil
        let ingest = IngestService(
            store: store, descriptorSets: definitions.streams.map { _ in nil }, sampler: watch?.sampler, inputs: InputWatch(definitions)
        ) { notice in
            switch notice {
            case .assigned, .revoked: break
            default: print("ingest: \(notice)")
            }
        }
        var peak = 0
        let allocated = Allocations.count
        let before = Cost.now()
        watch?.start { _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10) }
        try ingest.start()
        var done: UInt64 = 0
        var first: (time: Double, count: UInt64)?
        while done < expected {
            usleep(first == nil ? 500 : 5_000)
            peak = max(peak, processMemory("RssAnon"))
            done = store.shards.reduce(0) { sum, shard in
                sum + shard.counts.reduce(0) { $0 + $1.applied + $1.dropped.reduce(0, +) }
            }
            if first == nil, done > 0 { first = (Cost.now().wall, done) }
            if (Cost.now() - before).wall > 600 { throw Arguments.Problem("\(done) of \(expected) events after 600 s") }
        }
        let cost = Cost.now() - before
        let calls = allocated.flatMap { before in Allocations.count.map { Double($0 - before) / Double(done) } }
        let rate = Double(done - (first?.count ?? 0)) / (before.wall + cost.wall - (first?.time ?? 0))
        report(isMonitored ? "ingest_monitored" : "ingest", results, store, ingest, cost, Double(done), rate, peak, calls)
        ingest.stop()
        watch?.stop()
        store.closeAll()
    }

    private static func report(
        _ name: String, _ results: Results, _ store: Store, _ ingest: IngestService, _ cost: Cost, _ events: Double, _ rate: Double, _ peak: Int,
        _ calls: Double?
    ) {
        let commits = store.shards.map(\.commitStatistics)
        let batches = commits.reduce(0) { $0 + $1.batches }
        let largest = commits.map(\.largestBatch).max() ?? 0
        let applying = commits.reduce(0.0) { $0 + seconds($1.applying) }
        let committing = commits.reduce(0.0) { $0 + seconds($1.committing) }
        let dropped = store.shards.reduce(0) { sum, shard in sum + shard.counts.reduce(0) { $0 + $1.dropped.reduce(0, +) } }
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let each = cost.cpu / events * 1e6
        print("""
            \(name) (\(store.definitions.store.durability.rawValue)): \(thousands(rate)) events/s, \(fixed(each)) µs CPU an event \
            (\(thousands(events)) events, \(thousands(Double(dropped))) of them duplicate or late, \(fixed(cost.wall)) s)
              \(batches) commits of \(thousands(events / Double(batches))) events in the mean, largest \(thousands(Double(largest)))
              a thread's time per event, ns: decoding \(fixed(ingest.metrics.snapshot().decodingSeconds / events * 1e9, 0)), \
            applying \(fixed(applying / events * 1e9, 0)), committing \(fixed(committing / events * 1e9, 0))
              memory: \(peak >> 20) MiB of its own at most; \(usage.ru_maxrss >> 10) MiB with the pages of the store's files
            """)
        results.add("\(name).rate", rate)
        results.add("\(name).cpu_us", each)
        results.add("\(name).anonymous_mib", Double(peak >> 20))
        results.add("\(name).resident_mib", Double(usage.ru_maxrss >> 10))
        if let calls {
            print("  \(fixed(calls)) allocations an event, librdkafka's included")
            results.add("\(name).allocations", calls)
        }
    }

    private static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }
}
