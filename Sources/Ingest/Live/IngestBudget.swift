internal import Kafka
internal import Synchronization

/// How much memory the records of all shards may take, and who has to wait when it is used up.
///
/// Every shard may hold two batches (`RecordQueue`), which with many shards is a lot. So there is a bound for the whole process, too. Up to
/// `threshold` anyone may take; above it a shard that holds more than its `share` (the threshold divided by the number of shards) is paused
/// until it is down to half of that. A shard that holds nothing is never paused, and one that is paused has something to work off without
/// waiting for others: nobody starves, nothing locks up.
///
/// All shards together hold at most the threshold, plus a share and a quarter for each: 2¼ thresholds, two thirds of `limitBytes`. The
/// quarter is what one poll may add (`pollRecords`); the last third is for what librdkafka still delivers after a pause. Records that are larger than any before may exceed it once, by no more than librdkafka had fetched
/// ahead.
package struct IngestBudget: Sendable {
    package let limitBytes: Int
    package var threshold: Int { limitBytes / 10 * 3 }

    package init(limitBytes: Int) { self.limitBytes = limitBytes }

    package func share(shards: Int) -> Int { threshold / max(1, shards) }

    package func mustPause(held: Int, total: Int, shards: Int) -> Bool {
        total > threshold && held > share(shards: shards)
    }

    package func mayResume(held: Int, total: Int, shards: Int) -> Bool {
        total <= threshold / 4 * 3 || held <= share(shards: shards) / 2
    }

    /// How many records the next poll may bring, when the largest seen so far took `largest` bytes.
    package func pollRecords(total: Int, shards: Int, largest: Int, atMost: Int) -> Int {
        let room = max(threshold - total, share(shards: shards) / 4)
        return max(1, min(atMost, room / max(1, largest)))
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
