internal import FeatureStore
internal import Kafka

/// Which shards this process reads: all of it happens on the polling thread.
extension IngestService {
    /// For a process that reads every partition.
    func takeEverything() {
        let all = definitions.streams.flatMap { stream in
            (0..<(partitionCounts[stream.topic] ?? 0)).map { TopicPartition(topic: stream.topic, partition: $0) }
        }
        do {
            try consumer.assign(assign(all))
        } catch {
            notify(.kafka(message: "\(error)", isError: true))
        }
    }

    func assign(_ partitions: [TopicPartition]) -> [TopicPartition: StartPosition] {
        var starts: [TopicPartition: StartPosition] = [:]
        let numbers = Set(partitions.map(\.partition)).sorted()
        if isFirstAssignment {
            // What was opened ahead and is not this process's any more would only grow old here.
            store.closeShards(except: Set(numbers))
            isFirstAssignment = false
        }
        var canAsk = true
        for number in numbers {
            do {
                if workers[number] == nil { try begin(number) }
            } catch let error as ShardError where error.isDiskFull {
                held.insert(number)
                unopened.insert(number)
                store.noteUnavailable(number, "\(error)")
                notify(.notWritable(shard: number, reason: "\(error)"))
            } catch {
                stopShard(number, "\(error)")
                continue
            }
            for (index, stream) in definitions.streams.enumerated() {
                let partition = TopicPartition(topic: stream.topic, partition: number)
                guard partitions.contains(partition) else { continue }
                do {
                    starts[partition] = try start(of: partition, store.nextOffset(shard: number, stream: index), &canAsk)
                } catch {
                    stopShard(number, "\(error)")
                }
            }
            // A shard with one topic that it cannot read on stands still with all of them.
            if held.contains(number), !unopened.contains(number) {
                for partition in partitions where partition.partition == number { starts[partition] = nil }
            }
        }
        assigned.formUnion(partitions)
        store.noteAssigned()
        notify(.assigned(shards: numbers))
        return starts
    }

    /// Opens a shard and starts its thread.
    private func begin(_ number: Int) throws {
        let shard = try store.openShard(number) { notify(.warning($0)) }
        noteConnection(shard)
        let worker = try ShardWorker(
            shard: shard, definitions: definitions, descriptorSets: descriptorSets, partitionCounts: partitionCounts,
            deadLetters: deadLetters, metrics: metrics, cost: cost, notify: notify)
        workers[number] = worker
        worker.start()
    }

    /// Where to go on; throws when the log no longer has what comes next. That a broker does not answer just now is no reason to stop:
    /// a position that is not there is an error of the first fetch as well.
    private func start(of partition: TopicPartition, _ nextOffset: Int64?, _ canAsk: inout Bool) throws -> StartPosition {
        guard let nextOffset else { return definitions.kafka.start == .earliest ? .beginning : .end }
        guard canAsk else { return .offset(nextOffset) }
        do {
            let marks = try consumer.queryWatermarks(partition, timeoutMilliseconds: 5_000)
            if nextOffset < marks.low { throw IngestError.positionGone(partition, offset: nextOffset, oldest: marks.low) }
        } catch let error as KafkaError {
            canAsk = !error.isRetriable
        }
        return .offset(nextOffset)
    }

    /// Tries again to open the shards for which the disk had no room; they go on reading where they are.
    func openAgain() {
        guard !unopened.isEmpty, ContinuousClock.now - lastAttempt >= .seconds(2) else { return }
        lastAttempt = .now
        for number in unopened {
            do {
                try begin(number)
                unopened.remove(number)
                held.remove(number)  // `balance` resumes it: it is paused and its queue is empty.
                notify(.resumed(shard: number))
            } catch let error as ShardError where error.isDiskFull {
                continue
            } catch {
                unopened.remove(number)
                stopShard(number, "\(error)")
            }
        }
    }

    /// A shard goes no further; its rows are still served. What waits in its queue is dropped, unapplied.
    func stopShard(_ number: Int, _ reason: String) {
        guard !held.contains(number) || unopened.contains(number) else { return }
        held.insert(number)
        unopened.remove(number)
        workers[number]?.queue.close()
        workers[number]?.shard.noteStopped(reason)
        store.noteUnavailable(number, reason)
        notify(.stopped(shard: number, reason: reason))
    }

    func revoke(_ partitions: [TopicPartition]) {
        let numbers = Set(partitions.map(\.partition)).sorted()
        for number in numbers { workers[number]?.queue.close() }
        for number in numbers { workers[number]?.finish() }
        commitToGroup(wait: true)
        for number in numbers {
            arrived[number]?.records.forEach { $0.destroy() }
            arrived[number] = nil
            paused.remove(number)
            held.remove(number)
            unopened.remove(number)
            workers[number] = nil
            store.closeShard(number)
        }
        assigned.subtract(partitions)
        lastCommitted = lastCommitted.filter { !numbers.contains($0.key.partition) }
        watch.forget(numbers)
        if !numbers.isEmpty { notify(.revoked(shards: numbers)) }
    }
}
