internal import FeatureStore
internal import Kafka

/// A hosted shard whose next generation catches up: ingest feeds the next one, lookups read the live one as it was.
struct CatchingUp {
    /// Served until the next one has come as far.
    let live: Shard
    /// Where the live one stood, by stream.
    let targets: [Int64?]
    /// Topics whose end has been seen since: the log has nothing more to reach.
    var ended: Set<String> = []
    /// Why it cannot go on.
    var fault: String?
}

/// How a complete next generation replaces a shard while it is served. All of it happens on the polling thread, between two polls.
extension IngestService {
    /// A directory is looked at this often.
    private static let lookInterval: Duration = .seconds(1)

    func watchGenerations() {
        for number in catchingUp.keys.sorted() {
            if let fault = catchingUp[number]?.fault ?? workers[number].flatMap({ $0.queue.isClosed ? $0.shard.stopReason : nil }) {
                goBack(number, fault)
            } else if hasCaughtUp(number) {
                adopt(number)
            }
        }
        guard ContinuousClock.now - lastLook >= Self.lookInterval else { return }
        lastLook = ContinuousClock.now
        for number in Set(assigned.map(\.partition)).sorted() where catchingUp[number] == nil { look(number) }
    }

    /// Also for a shard that has stopped, as long as it can be written: a generation built from what its log has now is what mends it.
    private func look(_ number: Int) {
        guard let live = store.shard(number), !live.isReadOnly else { return }
        if live.isStopped, !dispatch.isHeld(number) { return }  // A batch is tried again and again.
        let opened: Shard?
        do { opened = try store.openNext(number) { notify(.warning($0)) } } catch {
            notify(.warning("shard \(number): its next generation cannot be opened, the live one goes on: \(error)"))
            return
        }
        guard let next = opened else { return }
        do {
            finishWorker(number)
            let targets = definitions.streams.indices.map { live.nextOffset(stream: $0) }
            catchingUp[number] = CatchingUp(live: live, targets: targets)
            try feed(next, number, isWhole: true, lettersFrom: targets)
            notify(.generation(shard: number, "a next generation catches up, \(distance(next, targets)) events behind the live one"))
        } catch {
            goBack(number, "\(error)")
        }
    }

    private func distance(_ next: Shard, _ targets: [Int64?]) -> Int64 {
        targets.enumerated().reduce(0) { sum, target in
            sum + max(0, (target.element ?? 0) - (next.nextOffset(stream: target.offset) ?? 0))
        }
    }

    private func hasCaughtUp(_ number: Int) -> Bool {
        guard let state = catchingUp[number], let worker = workers[number] else { return false }
        return state.targets.enumerated().allSatisfy { index, target in
            guard let target else { return true }
            if let offset = worker.shard.nextOffset(stream: index), offset >= target { return true }
            // The last records before the target may be gone from the log (compaction), or were never records (transactions).
            return state.ended.contains(definitions.streams[index].topic) && worker.queue.isIdle
        }
    }

    private func adopt(_ number: Int) {
        finishWorker(number)
        do {
            let live = try store.adoptNext(number)
            catchingUp[number] = nil
            try feed(live, number, isWhole: true)
            notify(.generation(shard: number, "the next generation is live"))
        } catch {
            // On a disk that is full now it may do later.
            if store.hasNext(number) { return goBack(number, "\(error)", passOver: (error as? ShardError)?.isDiskFull != true) }
            catchingUp[number] = nil
            dispatch.remove(number)
            stopShard(number, "\(error)")
        }
    }

    /// Goes on with the live one, from where it was; if it had stopped, it stays so.
    private func goBack(_ number: Int, _ reason: String, passOver: Bool = true) {
        catchingUp[number] = nil
        finishWorker(number)
        store.closeNext(number, passOver: passOver)
        notify(.warning("shard \(number): its next generation cannot be adopted, the live one goes on: \(reason)"))
        guard let live = store.shard(number) else { return }
        guard !live.isStopped else { return dispatch.hold(number) }
        do { try feed(live, number) } catch {
            dispatch.remove(number)
            stopShard(number, "\(error)")
        }
    }

    private func finishWorker(_ number: Int) {
        workers[number]?.finish()
        dispatch.remove(number)
    }
}
