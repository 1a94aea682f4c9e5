internal import FeatureStore
internal import Synchronization

/// Purges the shards of this process from what was erased in them, one after another, each within the time that the definitions give.
///
/// It begins when half of that time is over, so that many erasures are one purge, and leaves the other half for the writing. What it writes is
/// a next generation, which the polling thread adopts as any other.
final class PurgeThread: @unchecked Sendable {
    private let store: Store
    private let within: Microseconds
    private let notify: @Sendable (IngestNotice) -> Void
    private let isStopping = Atomic(false)
    private var thread: WorkerThread?
    // Of the thread.
    private var notBefore: [Int: Int64] = [:]
    private var told: Set<Int> = []

    private static let lookMilliseconds = 500
    /// After one that could not be done.
    private static let pause: Microseconds = .seconds(30)

    init(_ store: Store, within: Microseconds, _ notify: @escaping @Sendable (IngestNotice) -> Void) {
        self.store = store
        self.within = within
        self.notify = notify
    }

    func start() { thread = WorkerThread("purge") { [self] in run() } }

    func stop() {
        isStopping.store(true, ordering: .relaxed)
        thread?.join()
        thread = nil
    }

    private var mustStop: Bool { isStopping.load(ordering: .relaxed) }

    private func run() {
        while !mustStop {
            for shard in store.shards where !shard.isReadOnly {
                if mustStop { return }
                purge(shard)
            }
            WorkerThread.sleep(milliseconds: Self.lookMilliseconds)
        }
    }

    private func purge(_ shard: Shard) {
        let now = Store.now(), number = shard.number
        guard let since = shard.purge.pendingSince, now >= since + within / 2, now >= notBefore[number] ?? 0 else { return }
        do {
            switch try ShardPurge.run(shard, isCancelled: { [self] in mustStop }) {
            case .done(let rows):
                told.remove(number)
                notify(.generation(shard: number, "purged: \(rows) rows were written anew, without what was erased"))
                // Until it is adopted there is nothing to do.
                notBefore[number] = now + .seconds(2)
            case .yielded: notBefore[number] = now + .seconds(1)
            case .occupied:
                notBefore[number] = now + .seconds(1)
                if now > since + within, told.insert(number).inserted {
                    notify(.warning("""
                        shard \(number): what was erased cannot be purged, because another next generation is there. Let it be completed and \
                        adopted, or remove it with `millrace rebuild --discard`
                        """))
                }
            }
        } catch {
            notBefore[number] = now + Self.pause
            notify(.warning("shard \(number): what was erased cannot be purged, tried again in \(Self.pause / 1_000_000) s: \(error)"))
        }
    }
}
