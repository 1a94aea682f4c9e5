internal import FeatureStore
internal import Ingest
internal import Serving

/// Ingest's counters in Prometheus' terms.
struct IngestMetricFamilies {
    let store: Store
    let ingest: IngestService
    let served: ServedProducer?

    func families() -> [MetricFamily] { ingestFamilies() + servedFamilies() + erasureFamilies() }

    private func servedFamilies() -> [MetricFamily] {
        guard let served else { return [] }
        return [
            MetricFamily(
                name: "millrace_served_log_failures_total", help: "Logged answers that the brokers did not take.", kind: .counter,
                value: Double(served.failures))
        ]
    }

    private func erasureFamilies() -> [MetricFamily] {
        guard store.definitions.privacy.erasures != nil else { return [] }
        let purges = store.shards.map(\.purge)
        let oldest = purges.compactMap(\.pendingSince).min()
        return [
            MetricFamily(
                name: "millrace_purge_pending_seconds",
                help: "How long bytes of erased rows have been waiting to be purged from the files; 0: there are none. To be held against privacy.erasures.purge_within.",
                kind: .gauge, value: oldest.map { max(0, Double(Store.now() - $0) / 1e6) } ?? 0),
            MetricFamily(
                name: "millrace_purges_total", help: "How often shards were written anew without what was erased. Part of the state.",
                kind: .counter, value: Double(purges.reduce(0) { $0 + $1.count })),
        ]
    }

    private func ingestFamilies() -> [MetricFamily] {
        let shards = store.shards
        let snapshot = ingest.metrics.snapshot()
        var applied: [MetricFamily.Sample] = [], dropped: [MetricFamily.Sample] = []
        for (stream, counts) in zip(store.definitions.streams, store.totalCounts) {
            applied.append(.init(Double(counts.applied), labels: [("stream", stream.name)]))
            for reason in DropReason.allCases {
                dropped.append(.init(Double(counts[reason]), labels: [("stream", stream.name), ("reason", "\(reason)")]))
            }
        }
        let commits = shards.map(\.commitStatistics)
        let flushes = shards.compactMap { shard in shard.flushes.map { (shard: shard.number, made: $0) } }
        return [
            MetricFamily(
                name: "millrace_events_applied_total", kind: .counter, samples: applied,
                help: "Events applied, by stream. Part of the state: survives restarts and counts each event once."),
            MetricFamily(
                name: "millrace_events_dropped_total", kind: .counter, samples: dropped,
                help: "Events not applied, by stream and reason. Part of the state, as the events applied."),
            MetricFamily(
                name: "millrace_partition_mismatch_total",
                help: "Events found in another partition than the stream's partitioner gives for their key, since the process began.",
                kind: .counter, value: Double(shards.reduce(0) { $0 + $1.partitionMismatches })),
            MetricFamily(
                name: "millrace_records_consumed_total", help: "Records decoded since the process began, dropped ones included.",
                kind: .counter, value: Double(snapshot.recordsConsumed)),
            MetricFamily(
                name: "millrace_bytes_consumed_total", help: "Bytes of keys and values of these records.", kind: .counter,
                value: Double(snapshot.bytesConsumed)),
            MetricFamily(
                name: "millrace_decode_seconds_total", help: "Time spent decoding records, summed over shards.", kind: .counter,
                value: snapshot.decodingSeconds),
            MetricFamily(
                name: "millrace_apply_seconds_total", help: "Time spent applying events inside transactions, summed over shards.",
                kind: .counter, value: commits.reduce(0) { $0 + $1.applying.seconds }),
            MetricFamily(
                name: "millrace_commit_seconds_total", help: "Time spent committing transactions, summed over shards.",
                kind: .counter, value: commits.reduce(0) { $0 + $1.committing.seconds }),
            MetricFamily(
                name: "millrace_flushes_total", help: "Times that a shard's newest commits were taken from memory to its file (durability commit).",
                kind: .counter, value: Double(flushes.reduce(0) { $0 + $1.made.count })),
            MetricFamily(
                name: "millrace_flushed_entries_total", help: "Rows and other entries that this wrote; one that had changed several times, once.",
                kind: .counter, value: Double(flushes.reduce(0) { $0 + $1.made.entries })),
            MetricFamily(
                name: "millrace_flush_seconds_total", help: "Time that took, syncing included, summed over shards.", kind: .counter,
                value: flushes.reduce(0) { $0 + $1.made.time.seconds }),
            MetricFamily(
                name: "millrace_shard_unflushed_seconds",
                help: "How old the shard's oldest commit is that a crash would undo; Kafka gives it again (durability commit).", kind: .gauge,
                samples: flushes.map { .init($0.made.age.seconds, labels: [("shard", String($0.shard))]) }),
            MetricFamily(
                name: "millrace_shard_unflushed_bytes", help: "Memory of the shard's commits that are not in its file yet (durability commit).",
                kind: .gauge, samples: flushes.map { .init(Double($0.made.waitingBytes), labels: [("shard", String($0.shard))]) }),
            MetricFamily(
                name: "millrace_batches_total", help: "Transactions committed.", kind: .counter,
                value: Double(commits.reduce(0) { $0 + $1.batches })),
            MetricFamily(
                name: "millrace_batch_events_max", help: "Events in the largest batch since the process began.", kind: .gauge,
                value: Double(commits.map(\.largestBatch).max() ?? 0)),
            MetricFamily(
                name: "millrace_dead_letters_total", help: "Records sent to dead-letter topics.", kind: .counter,
                value: Double(snapshot.deadLetters)),
            MetricFamily(
                name: "millrace_dead_letters_failed_total", help: "Dead letters that could not be delivered.", kind: .counter,
                value: Double(snapshot.deadLettersFailed)),
            MetricFamily(
                name: "millrace_kafka_connected", help: "1 while a broker answers, else 0.", kind: .gauge,
                value: snapshot.isConnected ? 1 : 0),
            MetricFamily(
                name: "millrace_ingest_held_bytes", help: "What the records that wait or are worked on take, over all shards.",
                kind: .gauge, value: Double(snapshot.heldBytes)),
            MetricFamily(
                name: "millrace_ingest_held_bytes_limit", help: "The bound of millrace_ingest_held_bytes: store.max_waiting_size.",
                kind: .gauge, value: Double(store.definitions.store.maxWaitingBytes)),
            MetricFamily(
                name: "millrace_ingest_paused_shards", help: "Shards that are not read for the moment because enough of them waits.",
                kind: .gauge, value: Double(snapshot.pausedShards)),
            latency(snapshot),
        ]
    }

    private func latency(_ snapshot: IngestMetrics.Snapshot) -> MetricFamily {
        MetricFamily.histogram(
            name: "millrace_ingest_latency_seconds",
            help: "Age of a batch's oldest record when the batch was committed: broker timestamp to visible in lookups.",
            bounds: IngestMetrics.latencyBounds, counts: snapshot.latency, sum: snapshot.latencySum)
    }
}

extension MetricFamily {
    fileprivate init(name: String, kind: Kind, samples: [Sample], help: String) {
        self.init(name: name, help: help, kind: kind, samples: samples)
    }
}
