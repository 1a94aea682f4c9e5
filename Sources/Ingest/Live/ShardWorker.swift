internal import FeatureStore
internal import Kafka

/// The thread of one shard: take what has arrived, decode it, apply it in one transaction, again.
///
/// Everything it touches per event is reused from batch to batch: in the steady state an event allocates nothing.
final class ShardWorker: @unchecked Sendable {
    let shard: Shard
    let queue: RecordQueue
    private let definitions: Definitions
    private let deadLetters: DeadLetters?
    /// By stream: records before this offset were read before, and their dead letters sent.
    let lettersFrom: [Int64]
    private let metrics: IngestMetrics
    private let notify: @Sendable (IngestNotice) -> Void
    private var thread: WorkerThread?

    /// What the loop over events asks of a stream, flat.
    private struct StreamFacts {
        var maxClockSkew: Microseconds
        var partitioner: Partitioner
        /// Partitions of the topic; 0: it is not partitioned by the key.
        var partitionCount: Int
        /// Earlier events came from a backfill.
        var cutover: Int64
    }

    // Used by the worker's thread only.
    private let facts: [StreamFacts]
    private let decoders: [EventDecoder]
    private let batch = EventBatch()
    private var progress: BatchProgress
    private var records: [Record] = []
    private var mismatchReported = false
    private let erasureStream: Int
    private let traces: ErasureTraces?
    private let erasurePartitions: Int
    /// Whoever monitors features is told which entities a batch touched; nil: nobody does.
    private let sampler: EntitySampler?
    /// Nil: contracts and drops are nobody's concern, as in a replay.
    private var inputs: BatchWatch?

    init(
        shard: Shard, definitions: Definitions, descriptorSets: [[UInt8]?], partitionCounts: [String: Int],
        deadLetters: DeadLetters?, lettersFrom: [Int64?] = [], metrics: IngestMetrics, cost: RecordCost,
        sampler: EntitySampler? = nil, inputs: InputWatch? = nil, notify: @escaping @Sendable (IngestNotice) -> Void
    ) throws(DecoderSetupError) {
        self.sampler = sampler
        self.inputs = inputs.map { BatchWatch($0) }
        self.shard = shard
        self.lettersFrom = definitions.streams.indices.map { $0 < lettersFrom.count ? lettersFrom[$0] ?? 0 : 0 }
        self.definitions = definitions
        self.deadLetters = deadLetters
        self.metrics = metrics
        self.notify = notify
        erasureStream = definitions.erasureStream ?? -1
        erasurePartitions = definitions.privacy.erasures.flatMap { partitionCounts[$0.topic] } ?? 1
        traces = deadLetters == nil || erasureStream < 0 ? nil : ErasureTraces(definitions)
        var decoders: [EventDecoder] = []
        for (index, stream) in definitions.streams.enumerated() {
            decoders.append(try EventDecoder(stream: stream, index: Int32(index), descriptorSet: descriptorSets[index]))
        }
        self.decoders = decoders
        facts = definitions.streams.enumerated().map { index, stream in
            StreamFacts(
                maxClockSkew: stream.maxClockSkew, partitioner: stream.partitioner,
                partitionCount: stream.partitioned ? partitionCounts[stream.topic] ?? 0 : 0,
                cutover: shard.cutover(stream: index) ?? .min)
        }
        progress = BatchProgress(streamCount: definitions.streams.count)
        // Two batches may wait while one is applied.
        queue = RecordQueue(
            pauseBytes: definitions.store.maxBatchBytes * 2, pauseCount: definitions.store.maxBatchEvents * 2, cost: cost)
    }

    func start() {
        thread = WorkerThread("shard-\(shard.number)") { [self] in run() }
    }

    /// Finishes the batch that is being applied and returns; what waits in the queue is dropped, unapplied.
    func finish() {
        queue.close()
        thread?.join()
        thread = nil
    }

    private func run() {
        while queue.take(
            into: &records, maxCount: definitions.store.maxBatchEvents, maxBytes: definitions.store.maxBatchBytes,
            maxCost: metrics.shareBytes) {
            let isDone = applyRecords()
            for record in records { record.destroy() }
            records.removeAll(keepingCapacity: true)
            queue.giveBack()
            if !isDone {
                queue.close()  // Nobody takes from it any more; the polling thread sees it and stops reading.
                return
            }
        }
    }

    /// False when the shard cannot go on.
    private func applyRecords() -> Bool {
        batch.reset()
        progress.reset()
        let began = ContinuousClock.now
        var bytes = 0, deadCount = 0
        var oldest = Int64.max
        inputs?.begin()
        for (position, record) in records.enumerated() {
            bytes += record.byteCount
            if record.timestampMicros >= 0, record.timestampMicros < oldest { oldest = record.timestampMicros }
            decode(record, position, &deadCount)
        }
        checkPartitions()
        metrics.record(records: records.count, bytes: bytes, decoding: ContinuousClock.now - began)
        if deadCount > 0 { deliverDeadLetters(deadCount) }
        guard commit() else { return false }
        inputs?.finish(records, batch, shard.dropNotes, decoders)
        sampler?.offer(batch)
        if oldest != .max { metrics.recordLatency(seconds: max(0, Double(Store.now() - oldest) / 1e6)) }
        return true
    }

    @inline(__always)
    private func decode(_ record: Record, _ position: Int, _ deadCount: inout Int) {
        let index = record.topicOrdinal
        let time = record.timestampMicros
        let newest = Swift.max(progress.positions[index]?.newestRecordTime ?? 0, time)
        progress.positions[index] = .init(nextOffset: record.offset + 1, newestRecordTime: newest)
        guard let value = record.value else {
            progress.drop(.empty, stream: index)
            inputs?.note(.empty, record: position)
            return
        }
        let firstValue = batch.valueCount
        switch decoders[index].decode(value, recordTime: time, into: batch) {
        case .event:
            let event = batch.events[batch.eventCount - 1]
            if time >= 0, event.time > time + facts[index].maxClockSkew {
                batch.markLastFuture()
                progress.drop(.future, stream: index)
                inputs?.note(.future, record: position, becameEvent: true)
            } else if event.time < facts[index].cutover {
                batch.removeLast(firstValue: firstValue)
                progress.drop(.beforeCutover, stream: index)
                inputs?.note(.beforeCutover, record: position)
            } else if index == erasureStream {
                deadCount += forgetTraces(record, batch.values + firstValue)
            }
        case .dropped(let reason, let detail):
            progress.drop(reason, stream: index)
            inputs?.note(reason, record: position, detail: detail)
            if reason == .malformed || reason == .unknown { deadCount += sendDeadLetter(record, reason, detail) }
        }
    }

    /// The number of dead letters on their way: 1, or 0 when the stream has no topic for them.
    private func sendDeadLetter(_ record: Record, _ reason: DropReason, _ detail: DecodeFaultDetail) -> Int {
        let stream = definitions.streams[record.topicOrdinal]
        guard let topic = stream.deadLetterTopic, let deadLetters, record.offset >= lettersFrom[record.topicOrdinal] else { return 0 }
        do {
            let fault = decoders[record.topicOrdinal].fault(reason, detail)
            try deadLetters.send(record, of: stream, to: topic, reason: reason, error: fault.what)
        } catch {
            metrics.recordDeadLetters(0, failed: 1)
            notify(.deadLetterFailed(topic: topic, reason: "\(error)"))
        }
        return 1
    }

    /// Deletes what Millrace has produced under an erased id. Every shard hears of the erasure; the one that its topic's partitioner gives does it.
    private func forgetTraces(_ record: Record, _ values: UnsafePointer<FieldValue>) -> Int {
        guard let traces, let deadLetters, record.offset >= lettersFrom[erasureStream] else { return 0 }
        let key = values[0].bytes
        let topics = traces.topics(of: values[1])
        guard !topics.isEmpty, Partitioner.murmur2.partition(of: key, count: erasurePartitions) == shard.number else { return 0 }
        for topic in topics {
            do { try deadLetters.forget(key, in: topic) } catch {
                metrics.recordDeadLetters(0, failed: 1)
                notify(.deadLetterFailed(topic: topic, reason: "\(error)"))
            }
        }
        return topics.count
    }

    /// Counts events that lie in another partition than their key belongs to: lookups go where the key belongs.
    private func checkPartitions() {
        var mismatches: UInt64 = 0
        for i in 0..<batch.eventCount {
            let event = batch.events[i]
            let stream = facts[Int(event.stream)]
            guard stream.partitionCount > 0, !event.isFuture else { continue }
            let key = batch.values[Int(event.firstValue)].bytes
            let expected = stream.partitioner.partition(of: key, count: stream.partitionCount)
            guard expected != shard.number else { continue }
            mismatches += 1
            if !mismatchReported {
                mismatchReported = true
                notify(.partitionMismatch(stream: definitions.streams[Int(event.stream)].name, expected: expected, actual: shard.number))
            }
        }
        if mismatches > 0 { shard.notePartitionMismatches(mismatches) }
    }

    private func deliverDeadLetters(_ count: Int) {
        guard let outcome = deadLetters?.flush() else { return }
        metrics.recordDeadLetters(count, failed: outcome.failed)
        if let reason = outcome.reason { notify(.deadLetterFailed(topic: "", reason: reason)) }
    }

    /// Commits the batch; while the disk is full it waits and tries again, because only space is missing.
    private func commit() -> Bool {
        var isRetrying = false
        while true {
            do {
                try shard.apply(batch, progress)
                if isRetrying, !queue.isClosed {
                    shard.noteStopped(nil)
                    notify(.resumed(shard: shard.number))
                }
                return true
            } catch {
                let reason = "\(error)"
                shard.noteStopped(reason)
                guard error.isDiskFull else {
                    notify(.stopped(shard: shard.number, reason: reason))
                    return false
                }
                if !isRetrying { notify(.retrying(shard: shard.number, reason: reason)) }
                isRetrying = true
                if queue.waitUntilClosed(seconds: 2) { return false }
            }
        }
    }
}
