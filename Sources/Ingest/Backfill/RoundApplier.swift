internal import FeatureStore

/// Threads that apply a round to its shards, side by side, while the next one is being filled. A shard's next batch never begins before
/// its last one is committed.
final class RoundApplier: @unchecked Sendable {
    private let shards: [Shard]
    private let monitor = Monitor()
    // Guarded by `monitor`.
    private var round: BackfillRound?
    private var nextShard = 0
    private var running = 0
    private var failure: ShardError?
    private var isStopped = false

    private var threads: [WorkerThread] = []
    /// Was applied, and is filled again.
    private var free: BackfillRound?

    init(_ shards: [Shard], threads count: Int) {
        self.shards = shards
        threads = (0..<count).map { n in WorkerThread("apply-\(n)") { [unowned self] in work() } }
    }

    /// Waits for the round before, then begins with the router's.
    func apply(_ router: BackfillRouter) throws(ShardError) {
        try finish()
        guard !router.round.isEmpty else { return }
        let full = router.exchange(for: free)
        free = nil
        monitor.change {
            round = full
            nextShard = 0
        }
    }

    /// Waits until all is committed.
    func finish() throws(ShardError) {
        let (done, failure) = monitor.wait { () -> (BackfillRound?, ShardError?)? in
            guard running == 0, round == nil || nextShard == shards.count || self.failure != nil else { return nil }
            defer { round = nil }
            return (round, self.failure)
        }
        if let failure { throw failure }
        guard let done else { return }
        done.reset()
        free = done
    }

    /// Ends the threads; a batch at work is finished.
    func stop() {
        monitor.change { isStopped = true }
        for thread in threads { thread.join() }
        threads = []
    }

    private func work() {
        while let (round, number) = next() {
            let part = round.parts[number]
            do throws(ShardError) {
                try shards[number].apply(part.batch, part.progress)
                monitor.change { running -= 1 }
            } catch {
                monitor.change {
                    running -= 1
                    failure = failure ?? error
                }
            }
        }
    }

    private func next() -> (BackfillRound, Int)? {
        monitor.wait { () -> (BackfillRound, Int)?? in
            if isStopped { return .some(nil) }
            guard let round, failure == nil, nextShard < shards.count else { return nil }
            defer {
                nextShard += 1
                running += 1
            }
            return .some((round, nextShard))
        }
    }
}
