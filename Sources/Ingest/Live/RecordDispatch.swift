internal import Kafka

/// Sorts the records of one polling thread by partition number and hands them to the threads of the shards, once a poll; holds partitions
/// back while their shard has enough. Used by the polling thread only.
final class RecordDispatch {
    /// By partition number.
    var workers: [Int: ShardWorker] = [:]
    private var arrived: [Int: (records: [Record], bytes: Int)] = [:]
    private var paused: Set<Int> = []

    @inline(__always)
    func take(_ record: Record) {
        arrived[record.partition, default: ([], 0)].records.append(record)
        arrived[record.partition]!.bytes += record.byteCount
    }

    func handOver() {
        for number in arrived.keys {
            guard !arrived[number]!.records.isEmpty else { continue }
            guard let queue = workers[number]?.queue else {
                for record in arrived[number]!.records { record.destroy() }
                arrived[number] = ([], 0)
                continue
            }
            let bytes = arrived[number]!.bytes
            queue.append(&arrived[number]!.records, bytes: bytes)
            arrived[number]!.bytes = 0
        }
    }

    /// Pauses partitions whose shard has enough waiting, resumes them when half of it is done.
    func balance(_ consumer: Consumer, _ partitions: (_ number: Int) -> [TopicPartition]) {
        for (number, worker) in workers {
            if !paused.contains(number), worker.queue.isFull {
                paused.insert(number)
                try? consumer.pause(partitions(number))
            } else if paused.contains(number), worker.queue.isHalfEmpty {
                paused.remove(number)
                try? consumer.resume(partitions(number))
            }
        }
    }

    /// Forgets a shard's worker, which has been finished, and what has arrived for it.
    func remove(_ number: Int) {
        arrived[number]?.records.forEach { $0.destroy() }
        arrived[number] = nil
        paused.remove(number)
        workers[number] = nil
    }

    /// Finishes all workers: the batches at work are applied, what waits is dropped.
    func finishAll() {
        for worker in workers.values { worker.queue.close() }
        for worker in workers.values { worker.finish() }
        for number in Set(workers.keys).union(arrived.keys) { remove(number) }
    }
}
