internal import Kafka

/// How much memory the records of all shards may take, and who has to wait when it is used up.
///
/// Every shard may hold two batches (`RecordQueue`), which with many shards is a lot. So there is a bound for the whole process, too. Half of
/// `limitBytes` is divided: each shard has a `share` that nobody takes from it. The other half is a pool for what shards hold beyond their
/// shares: the busy ones, the ones that lag. Before each poll `update` takes stock; whoever has little room left is paused, and the poll brings
/// no more records than are likely to fit. What does not fit after all, because records are larger than those before, is not admitted: it is
/// read again later (`RecordDispatch`).
///
/// So all shards together hold at most `limitBytes`; with one exception, because every record has to come through: one that is larger than
/// a share and the pool together is admitted when its shard holds nothing and the pool is empty. Then they hold at most half of `limitBytes`
/// and that record.
///
/// A shard that holds little is never paused, one that is paused has something to work off without waiting for others, and one whose next
/// record needs the pool has it kept free: nobody starves, nothing locks up.
package struct IngestBudget: Sendable {
    package let limitBytes: Int
    /// By shard.
    private var held: [Int: Int] = [:]
    package private(set) var total = 0
    private var beyondShares = 0
    /// Shards that wait for a record that was not admitted: what it takes. Until it has come, nobody else takes from the pool for long.
    private var waiting: [Int: Int] = [:]
    package var isAwaiting: Bool { !waiting.isEmpty }

    package init(limitBytes: Int) { self.limitBytes = limitBytes }

    package var share: Int { limitBytes / 2 / max(1, held.count) }
    private var pool: Int { limitBytes - share * max(1, held.count) }

    /// Takes stock: what the shards hold now.
    package mutating func update(_ held: [Int: Int]) {
        self.held = held
        let share = share
        total = held.values.reduce(0, +)
        beyondShares = held.values.reduce(0) { $0 + max(0, $1 - share) }
    }

    /// What a shard may still take if the others take nothing.
    private func room(_ own: Int) -> Int { max(0, share - own) + max(0, pool - beyondShares) }

    package func mustPause(_ shard: Int) -> Bool {
        let own = held[shard] ?? 0
        if let cost = waiting[shard] { return !fits(cost, own) }
        return room(own) < share / 4 || (isAwaiting && own > share)
    }

    package func mayResume(_ shard: Int) -> Bool {
        let own = held[shard] ?? 0
        if let cost = waiting[shard] { return fits(cost, own) }
        return own <= share / 2 || (!isAwaiting && beyondShares <= pool / 2)
    }

    /// What the shards that are read may take together in any proportion.
    package func sureRoom(reading shards: some Sequence<Int>) -> Int { shards.map { room(held[$0] ?? 0) }.min() ?? 0 }

    /// Counts a record that a shard takes. False when there is no room for it.
    package mutating func admit(_ cost: Int, shard: Int) -> Bool {
        guard let own = held[shard] else { return true }  // Nobody works on it: it is not kept.
        guard fits(cost, own) else { return false }
        held[shard] = own + cost
        total += cost
        beyondShares += beyond(cost, own)
        return true
    }

    /// A shard waits for a record of this cost; nil: for none any more.
    package mutating func await(_ cost: Int?, shard: Int) { waiting[shard] = cost }

    private func beyond(_ cost: Int, _ own: Int) -> Int { max(0, own + cost - share) - max(0, own - share) }

    private func fits(_ cost: Int, _ own: Int) -> Bool {
        if own == 0, beyondShares == 0 { return true }
        let more = beyond(cost, own)
        // All together hold more than shares and pool only after shards have come, so that shares have become smaller.
        return (more == 0 || beyondShares + more <= pool) && total + cost <= limitBytes
    }
}

/// What a record takes while it waits and is worked on: its bytes, librdkafka's account of it, its decoded form.
struct RecordCost: Sendable {
    /// librdkafka's operation and message (rdkafka_op.h, rdkafka_msg.h) and the allocator's share.
    private static let messageBytes = 320
    /// By stream, which is the record's `topicOrdinal`.
    private let fixed: [Int]

    /// `valueCounts`: by stream, keys and fields of an event.
    init(valueCounts: [Int]) {
        fixed = valueCounts.map { Self.messageBytes + 32 + 16 * $0 }
    }

    @inline(__always)
    func callAsFunction(_ record: Record) -> Int { record.byteCount + fixed[record.topicOrdinal] }
}
