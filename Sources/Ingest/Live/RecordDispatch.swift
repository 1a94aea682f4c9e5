internal import FeatureStore
internal import Kafka

/// Sorts the records of one polling thread by partition number and hands them to the threads of the shards, once a poll; holds partitions
/// back while their shard, or all together, have enough. Used by the polling thread only.
final class RecordDispatch {
    /// By partition number.
    var workers: [Int: ShardWorker] = [:]
    let cost: RecordCost
    private let budget: IngestBudget
    private let metrics: IngestMetrics
    private var arrived: [Int: Arrived] = [:]
    private var paused: Set<Int> = []
    /// Shards that must not read, whatever room there is: stopped ones, and those that wait for disk space.
    private var held: Set<Int> = []
    /// `RecordCost` of the largest record so far; 0: none has been seen.
    private var largest = 0

    /// Records of one shard, between the poll and its queue.
    private struct Arrived {
        var records: [Record] = []
        var bytes = 0
        var cost = 0
    }

    private static let maxRecordsPerPoll = 10_000
    /// What a record is taken to cost before one was seen.
    private static let likelyRecordBytes = 16 << 10

    init(_ definitions: Definitions, _ metrics: IngestMetrics) {
        cost = RecordCost(valueCounts: definitions.streams.map { $0.keys.count + $0.fields.count })
        budget = IngestBudget(limitBytes: definitions.store.maxWaitingBytes)
        self.metrics = metrics
    }

    @inline(__always)
    func take(_ record: Record) {
        let cost = cost(record)
        if cost > largest { largest = cost }
        arrived[record.partition, default: Arrived()].records.append(record)
        arrived[record.partition]!.bytes += record.byteCount
        arrived[record.partition]!.cost += cost
    }

    func handOver() {
        for number in arrived.keys {
            guard !arrived[number]!.records.isEmpty else { continue }
            guard let queue = workers[number]?.queue else {
                for record in arrived[number]!.records { record.destroy() }
                arrived[number] = Arrived()
                continue
            }
            let bytes = arrived[number]!.bytes, cost = arrived[number]!.cost
            queue.append(&arrived[number]!.records, bytes: bytes, cost: cost)
            arrived[number]!.bytes = 0
            arrived[number]!.cost = 0
        }
    }

    /// Pauses partitions whose shard has enough waiting, or more than its share of what is left of the process's memory; resumes them when
    /// half of it is done. Between two polls, so that nothing of a paused partition is delivered.
    ///
    /// - Returns: how many records the next poll may bring.
    func balance(_ consumer: Consumer, _ partitions: (_ number: Int) -> [TopicPartition]) -> Int {
        let shards = workers.count
        let heldBytes = workers.mapValues { $0.queue.heldBytes }
        let total = heldBytes.values.reduce(0, +)
        metrics.setShare(budget.share(shards: shards))
        for (number, worker) in workers where worker.queue.isClosed { held.insert(number) }
        for number in held where !paused.contains(number) {
            paused.insert(number)
            try? consumer.pause(partitions(number))
        }
        for (number, worker) in workers where !held.contains(number) {
            let own = heldBytes[number] ?? 0
            if !paused.contains(number), worker.queue.isFull || budget.mustPause(held: own, total: total, shards: shards) {
                paused.insert(number)
                try? consumer.pause(partitions(number))
            } else if paused.contains(number), worker.queue.isHalfEmpty, budget.mayResume(held: own, total: total, shards: shards) {
                paused.remove(number)
                try? consumer.resume(partitions(number))
            }
        }
        metrics.setHeld(total, pausedShards: paused.subtracting(held).count)
        return budget.pollRecords(
            total: total, shards: shards, largest: largest > 0 ? largest : Self.likelyRecordBytes, atMost: Self.maxRecordsPerPoll)
    }

    // MARK: Shards that must not read

    func isHeld(_ number: Int) -> Bool { held.contains(number) }

    /// From the next `balance` on nothing of the shard is read, until `remove`.
    func hold(_ number: Int) { held.insert(number) }

    /// Forgets a shard: its worker, which has been finished, what has arrived for it, and that it is held.
    func remove(_ number: Int) {
        arrived[number]?.records.forEach { $0.destroy() }
        arrived[number] = nil
        paused.remove(number)
        held.remove(number)
        workers[number] = nil
    }

    /// Finishes all workers: the batches at work are applied, what waits is dropped.
    func finishAll() {
        for worker in workers.values { worker.queue.close() }
        for worker in workers.values { worker.finish() }
        for number in Set(workers.keys).union(arrived.keys) { remove(number) }
    }
}
