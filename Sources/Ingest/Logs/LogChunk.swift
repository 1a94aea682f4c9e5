public import FeatureStore

/// The events of a few thousand records of a log, decoded, in the order of the log; and what became of the records that are none.
///
/// A chunk is whole or it is not delivered at all. It owns the memory that its events' strings lie in: keep the chunk as long as its
/// events.
public final class LogChunk: @unchecked Sendable {
    public let batch: EventBatch

    // Per event of `batch`.
    /// The broker's timestamp in µs since the epoch; -1: the log does not say.
    public internal(set) var recordTimes: [Int64]
    /// Partition and offset in the stream's topic; -1: the log does not say.
    public internal(set) var partitions: [Int32]
    public internal(set) var offsets: [Int64]

    /// Records that never became events.
    public internal(set) var drops: [Drop]
    /// The first few of them in words; over all chunks at most `LogOptions.maxFaults`.
    public internal(set) var faults: [LogFault] = []
    /// Which offsets of the topics' partitions are in the chunk, when the log says so.
    public internal(set) var spans: [SourceSpan] = []
    /// Lines, rows, messages: everything that should have been an event.
    public internal(set) var records = 0
    /// Records of topics that no stream reads.
    public internal(set) var otherTopics = 0
    /// By stream: events that `from` and `until` leave out.
    public internal(set) var outside: [UInt64]

    /// Where it begins, and where to go on after it.
    public internal(set) var start = LogPosition.start
    public internal(set) var position = LogPosition.start
    /// Of all files, as they lie on the disk, up to about here.
    public internal(set) var bytesRead: Int64 = 0
    /// Decompressed bytes of the chunk.
    public internal(set) var byteCount = 0
    public internal(set) var path = ""

    public struct Drop: Sendable, Equatable {
        /// Index in `Definitions.streams`; -1: the record does not say.
        public var stream: Int32
        public var reason: DropReason
        /// -1: the log does not say, likewise below.
        public var partition: Int32
        public var offset: Int64
        public var recordTime: Int64
    }

    /// Consecutive records of one partition of a stream's topic.
    public struct SourceSpan: Sendable, Equatable {
        public var stream: Int32
        public var partition: Int32
        public var first: Int64
        public var last: Int64
        /// Offsets between `first` and `last` that the log does not have.
        public var missing: Int64
        /// Newest broker timestamp, µs; -1: none.
        public var newestRecordTime: Int64
    }

    /// Counts of `drops`, by stream and `DropReason.rawValue`.
    public func dropped(streamCount: Int) -> [[UInt64]] {
        var counts = Array(repeating: Array(repeating: UInt64(0), count: DropReason.allCases.count), count: streamCount)
        for drop in drops where drop.stream >= 0 { counts[Int(drop.stream)][Int(drop.reason.rawValue)] += 1 }
        return counts
    }

    // MARK: -

    var memory: LogMemory?
    /// Lines of the block, and lines before it that are no records: a header.
    var lines: Int64 = 0
    var source: LogSource?
    private let pool: LogChunkPool
    /// Index in `spans` of the last record's.
    private var lastSpan = 0

    init(pool: LogChunkPool, streamCount: Int) {
        self.pool = pool
        let parts = pool.take()
        batch = parts.batch
        recordTimes = parts.recordTimes
        partitions = parts.partitions
        offsets = parts.offsets
        drops = parts.drops
        outside = Array(repeating: 0, count: streamCount)
    }

    deinit {
        var parts = LogChunkPool.Parts(batch: batch)
        // Moved out, so that their memory is used again.
        swap(&parts.recordTimes, &recordTimes)
        swap(&parts.partitions, &partitions)
        swap(&parts.offsets, &offsets)
        swap(&parts.drops, &drops)
        pool.give(parts, memory: memory)
    }

    /// Takes note of where a record comes from. False: its offset is not beyond that of the record before it in its partition.
    func note(stream: Int32, partition: Int32, offset: Int64, recordTime: Int64) -> Bool {
        if lastSpan >= spans.count || spans[lastSpan].stream != stream || spans[lastSpan].partition != partition {
            guard let known = spans.firstIndex(where: { $0.stream == stream && $0.partition == partition }) else {
                lastSpan = spans.count
                spans.append(SourceSpan(
                    stream: stream, partition: partition, first: offset, last: offset, missing: 0, newestRecordTime: recordTime))
                return true
            }
            lastSpan = known
        }
        guard offset > spans[lastSpan].last else { return false }
        spans[lastSpan].missing += offset - spans[lastSpan].last - 1
        spans[lastSpan].last = offset
        if recordTime > spans[lastSpan].newestRecordTime { spans[lastSpan].newestRecordTime = recordTime }
        return true
    }
}

/// What chunks are made of, kept when a chunk is done. Thread-safe.
final class LogChunkPool: @unchecked Sendable {
    struct Parts {
        var batch: EventBatch
        var recordTimes: [Int64] = []
        var partitions: [Int32] = []
        var offsets: [Int64] = []
        var drops: [LogChunk.Drop] = []
    }

    let memory: LogMemoryPool
    private let monitor = Monitor()
    private var free: [Parts] = []
    private let limit: Int

    init(limit: Int, usualBytes: Int) {
        self.limit = limit
        memory = LogMemoryPool(limit: limit, usualBytes: usualBytes)
    }

    func take() -> Parts { monitor.change { free.popLast() } ?? Parts(batch: EventBatch(eventCapacity: 4096)) }

    func give(_ given: consuming Parts, memory block: LogMemory?) {
        if let block { memory.give(block) }
        var parts = given
        parts.batch.reset()
        parts.recordTimes.removeAll(keepingCapacity: true)
        parts.partitions.removeAll(keepingCapacity: true)
        parts.offsets.removeAll(keepingCapacity: true)
        parts.drops.removeAll(keepingCapacity: true)
        monitor.change { if free.count < limit { free.append(parts) } }
    }
}
