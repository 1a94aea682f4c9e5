internal import FeatureStore
internal import Kafka

/// Sorts the records of one polling thread by partition number and hands them to the threads of the shards, once a poll; holds partitions
/// back while their shard, or all together, have enough. Used by the polling thread only:
///
///     while running {
///         let max = dispatch.balance(consumer) { partitions(of: $0) }
///         try consumer.poll(max: max, timeoutMilliseconds: 100) { dispatch.take($0) }
///         for partition in dispatch.handOver() { ... }
///     }
final class RecordDispatch {
    /// By partition number.
    var workers: [Int: ShardWorker] = [:]
    let cost: RecordCost
    /// By `topicOrdinal`.
    private let topics: [String]
    private let metrics: IngestMetrics
    private var paused: Set<Int> = []
    /// Shards that must not read, whatever room there is: stopped ones, and those that wait for disk space.
    private var held: Set<Int> = []

    private var budget: IngestBudget
    /// Of one poll: what has arrived of each shard, what all of it takes, and how much that may be without a look at the budget.
    private var arrived: [Int: Arrived] = [:]
    private var pollCost = 0
    private var sureRoom = 0
    private var pollLargest = 0
    /// What the largest of the latest records took; 0: none has been seen.
    private var largest = 0
    /// Records that were not admitted and have to be read again, until they have come; of each partition the first.
    private var refused: [TopicPartition: Refused] = [:]

    private struct Refused {
        var offset: Int64
        var cost: Int
        /// Whether the consumer stands before it again.
        var isSought = false
    }

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
        topics = definitions.streams.map(\.topic)
        self.metrics = metrics
    }

    // MARK: A poll

    /// Pauses partitions whose shard has enough waiting, or no room left in what all may hold; resumes them when half of it is done. Between
    /// two polls, so that nothing of a paused partition is delivered.
    ///
    /// - Returns: how many records the next poll may bring.
    func balance(_ consumer: Consumer, _ partitions: (_ number: Int) -> [TopicPartition]) -> Int {
        seekRefused(consumer, partitions)
        budget.update(workers.mapValues { $0.queue.heldBytes })
        metrics.setShare(budget.share)
        for (number, worker) in workers where worker.queue.isClosed { held.insert(number) }
        for number in held where paused.insert(number).inserted { try? consumer.pause(partitions(number)) }
        for (number, worker) in workers where !held.contains(number) {
            if !paused.contains(number) {
                guard worker.queue.isFull || budget.mustPause(number) else { continue }
                paused.insert(number)
                try? consumer.pause(partitions(number))
            } else if worker.queue.isHalfEmpty, !refused.contains(where: { $0.key.partition == number && !$0.value.isSought }), budget.mayResume(number) {
                paused.remove(number)
                try? consumer.resume(partitions(number))
            }
        }
        metrics.setHeld(budget.total, pausedShards: paused.subtracting(held).count)

        let reading = workers.keys.filter { !paused.contains($0) }
        let room = budget.sureRoom(reading: reading)
        sureRoom = budget.isAwaiting ? 0 : room
        if pollLargest > 0 { largest = max(pollLargest, largest - largest / 16) }
        (pollCost, pollLargest) = (0, 0)
        guard !reading.isEmpty else { return Self.maxRecordsPerPoll }  // Errors and the like: no records.
        return max(1, min(Self.maxRecordsPerPoll, room / (largest > 0 ? largest : Self.likelyRecordBytes)))
    }

    /// Takes over a record that was polled.
    @inline(__always)
    func take(_ record: Record) {
        let cost = cost(record)
        if cost > pollLargest { pollLargest = cost }
        pollCost += cost
        if pollCost > sureRoom, !admit(record, cost) { return record.destroy() }
        arrived[record.partition, default: Arrived()].records.append(record)
        arrived[record.partition]!.bytes += record.byteCount
        arrived[record.partition]!.cost += cost
    }

    /// From the first record on for which there may not be room, each is held against the budget. After one that was refused nothing more of
    /// its partition is taken: records keep their order.
    private func admit(_ record: Record, _ cost: Int) -> Bool {
        if pollCost - cost <= sureRoom {
            budget.update(Dictionary(uniqueKeysWithValues: workers.map { ($0, $1.queue.heldBytes + (arrived[$0]?.cost ?? 0)) }))
        }
        let number = record.partition
        let partition = TopicPartition(topic: topics[record.topicOrdinal], partition: number)
        let earlier = refused.isEmpty ? nil : refused[partition]
        if let earlier, !earlier.isSought { return false }
        let isAdmitted = budget.admit(cost, shard: number)
        if !isAdmitted { refused[partition] = Refused(offset: record.offset, cost: cost) } else if earlier != nil { refused[partition] = nil }
        if !isAdmitted || earlier != nil {
            budget.await(refused.filter { $0.key.partition == number }.map(\.value.cost).max(), shard: number)
        }
        return isAdmitted
    }

    /// Gives the shards' threads what was polled.
    ///
    /// - Returns: partitions with records that were not admitted. If their end was seen in this poll, it is still to come.
    func handOver() -> [TopicPartition] {
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
        return refused.isEmpty ? [] : refused.filter { !$0.value.isSought }.map(\.key)
    }

    /// Goes back to the records that were not admitted. Their shards wait (`IngestBudget`), and they are paused until the way back was taken.
    private func seekRefused(_ consumer: Consumer, _ partitions: (_ number: Int) -> [TopicPartition]) {
        let unsought = refused.filter { !$0.value.isSought }
        guard !unsought.isEmpty else { return }
        for number in Set(unsought.keys.map(\.partition)) where paused.insert(number).inserted {
            // Before the seek: a pause goes back to the last record that was polled.
            try? consumer.pause(partitions(number))
        }
        // When it fails, again before the next poll.
        guard (try? consumer.seek(unsought.mapValues { .offset($0.offset) })) != nil else { return }
        for partition in unsought.keys { refused[partition]!.isSought = true }
    }

    // MARK: Shards that must not read

    func isHeld(_ number: Int) -> Bool { held.contains(number) }

    /// From the next `balance` on nothing of the shard is read, until `remove`.
    func hold(_ number: Int) { held.insert(number) }

    /// Forgets a shard: its worker, which has been finished, what has arrived for it, and that it is held.
    func remove(_ number: Int) {
        arrived[number]?.records.forEach { $0.destroy() }
        arrived[number] = nil
        refused = refused.filter { $0.key.partition != number }
        budget.await(nil, shard: number)
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
