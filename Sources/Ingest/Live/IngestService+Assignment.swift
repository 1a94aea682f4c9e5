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

    /// Opens the shards of these partitions and says where reading begins.
    ///
    /// Partitions of a shard that cannot read are assigned all the same, and paused before the next poll: when it can, they are sought to
    /// where it stands (`feed`).
    func assign(_ partitions: [TopicPartition]) -> [TopicPartition: StartPosition] {
        var starts: [TopicPartition: StartPosition] = [:]
        let numbers = Set(partitions.map(\.partition)).sorted()
        if isFirstAssignment {
            // What was opened ahead and is not this process's any more would only grow old here.
            store.closeShards(except: Set(numbers))
            isFirstAssignment = false
        }
        assigned.formUnion(partitions)
        var canAsk = true
        for number in numbers {
            if workers[number] == nil, !dispatch.isHeld(number) { begin(number) }
            for (index, stream) in definitions.streams.enumerated() {
                let partition = TopicPartition(topic: stream.topic, partition: number)
                guard partitions.contains(partition) else { continue }
                starts[partition] = .end
                guard let shard = workers[number]?.shard, !dispatch.isHeld(number) else { continue }
                do {
                    starts[partition] = try start(of: partition, shard, stream: index, &canAsk)
                } catch {
                    stopShard(number, "\(error)")
                }
            }
        }
        store.noteAssigned()
        notify(.assigned(shards: numbers))
        return starts
    }

    /// Opens a shard and starts its thread.
    private func begin(_ number: Int) {
        do {
            let worker = try makeWorker(open(number))
            dispatch.workers[number] = worker
            worker.start()
        } catch let error as ShardError where error.isDiskFull || error.isUnconfirmed {
            store.shard(number).map(noteConnection)
            dispatch.hold(number)
            unopened.insert(number)
            store.noteUnavailable(number, "\(error)")
            notify(error.isUnconfirmed ? .warning("shard \(number): \(error)") : .notWritable(shard: number, reason: "\(error)"))
        } catch {
            stopShard(number, "\(error)")
        }
    }

    private func open(_ number: Int) throws(ShardError) -> Shard {
        try store.openShard(number, warn: { notify(.warning($0)) }, confirm: { (shard) throws(ShardError) in try confirmErasures(in: shard) })
    }

    /// Where to go on; throws when the log no longer has what comes next. That a broker does not answer just now is no reason to stop:
    /// a position that is not there is an error of the first fetch as well.
    private func start(
        of partition: TopicPartition, _ shard: Shard, stream: Int, _ canAsk: inout Bool
    ) throws(IngestError) -> StartPosition {
        let start = startPosition(shard, stream: stream)
        guard canAsk, case .offset(let next) = start else { return start }
        let oldest: Int64
        do throws(KafkaError) {
            oldest = try consumer.queryWatermarks(partition, timeoutMilliseconds: 5_000).low
        } catch {
            canAsk = !error.isRetriable
            return start
        }
        guard next >= oldest else { throw .positionGone(partition, offset: next, oldest: oldest) }
        return start
    }

    func startPosition(_ shard: Shard, stream: Int) -> StartPosition {
        if let nextOffset = shard.nextOffset(stream: stream) { return .offset(nextOffset) }
        // Whoever was erased, however long ago, stays so.
        if definitions.streams[stream].isErasures { return .beginning }
        // Behind a cut-over time everything is to be read that the topic has: what was taken already is told by its time.
        return definitions.kafka.start == .earliest || shard.cutover(stream: stream) != nil ? .beginning : .end
    }

    /// Starts a worker on `shard`, in place of the one before, which has been finished, and reads its partitions from where it is.
    ///
    /// `isWhole`: the shard has everything that the topics had, so that one without a position begins at the beginning.
    func feed(_ shard: Shard, _ number: Int, isWhole: Bool = false, lettersFrom: [Int64?] = []) throws {
        let worker = try makeWorker(shard, lettersFrom: lettersFrom)
        var starts: [TopicPartition: StartPosition] = [:]
        for (index, stream) in definitions.streams.enumerated() {
            let partition = TopicPartition(topic: stream.topic, partition: number)
            guard assigned.contains(partition) else { continue }
            starts[partition] = isWhole && shard.nextOffset(stream: index) == nil ? .beginning : startPosition(shard, stream: index)
        }
        dispatch.remove(number)
        dispatch.workers[number] = worker
        worker.start()
        do throws(KafkaError) {
            try consumer.resume(Array(starts.keys))
            try consumer.seek(starts)
        } catch {
            guard error.isNotReading else { throw error }
            try assignAnew(starts)
        }
    }

    /// librdkafka gives a partition up when its position is gone, and only a new assignment takes it again: one of everything, from where
    /// each shard stands. What waits is dropped and read again.
    private func assignAnew(_ given: [TopicPartition: StartPosition]) throws {
        var starts = given
        for number in Set(assigned.subtracting(given.keys).map(\.partition)) {
            if !dispatch.isHeld(number), let worker = workers[number] {
                worker.finish()
                let fresh = try makeWorker(worker.shard, lettersFrom: worker.lettersFrom)
                dispatch.remove(number)
                dispatch.workers[number] = fresh
                fresh.start()
            }
            for (index, stream) in definitions.streams.enumerated() {
                let partition = TopicPartition(topic: stream.topic, partition: number)
                guard assigned.contains(partition) else { continue }
                starts[partition] = dispatch.isHeld(number) ? .end : workers[number].map { startPosition($0.shard, stream: index) }
            }
        }
        try consumer.assign(starts)
    }

    /// Tries again to open the shards for which the disk had no room.
    func openAgain() {
        guard !unopened.isEmpty, ContinuousClock.now - lastAttempt >= .seconds(2) else { return }
        lastAttempt = .now
        for number in unopened.sorted() {
            do {
                let shard = try open(number)
                unopened.remove(number)
                try feed(shard, number)
                notify(.resumed(shard: number))
            } catch let error as ShardError where error.isDiskFull || error.isUnconfirmed {
                store.shard(number).map(noteConnection)
            } catch {
                unopened.remove(number)
                dispatch.remove(number)
                stopShard(number, "\(error)")
            }
        }
    }

    /// A shard goes no further; its rows are still served. What waits in its queue is dropped, unapplied.
    func stopShard(_ number: Int, _ reason: String) {
        guard !dispatch.isHeld(number) else { return }
        dispatch.hold(number)
        workers[number]?.queue.close()
        store.shard(number)?.noteStopped(reason)
        store.noteUnavailable(number, reason)
        notify(.stopped(shard: number, reason: reason))
    }

    /// Its log is not what it was: a next generation that catches up is given up, a live shard stops.
    func cannotGoOn(_ number: Int, _ error: IngestError) {
        if catchingUp[number] != nil {
            catchingUp[number]!.fault = error.description
        } else {
            stopShard(number, error.description)
        }
    }

    func revoke(_ partitions: [TopicPartition]) {
        let numbers = Set(partitions.map(\.partition)).sorted()
        for number in numbers { workers[number]?.queue.close() }
        for number in numbers { workers[number]?.finish() }
        commitToGroup(wait: true)
        for number in numbers {
            dispatch.remove(number)
            catchingUp[number] = nil
            unopened.remove(number)
            if let error = store.closeShard(number) { notify(.closedBehind(shard: number, reason: "\(error)")) }
        }
        assigned.subtract(partitions)
        lastCommitted = lastCommitted.filter { !numbers.contains($0.key.partition) }
        watch.forget(numbers)
        if !numbers.isEmpty { notify(.revoked(shards: numbers)) }
    }
}
