package import LMDB
internal import Synchronization

/// Where the shard stands: what ingest tells it and what lookups, metrics and `/v1/shards` ask.
extension Shard {
    /// What ingest hears of the log's end; nil leaves it as it is.
    public func noteEnd(stream: Int, end: Int64) { status.withLock { $0.ends[stream] = end } }

    /// Ingest cannot reach the brokers (the time since), or can again (nil).
    public func noteDisconnected(since: Int64?) {
        status.withLock { status in
            if since == nil || status.disconnectedSince == nil { status.disconnectedSince = since }
        }
    }

    /// Ingest cannot go on (why), or can again (nil).
    public func noteStopped(_ reason: String?) { status.withLock { $0.stopReason = reason } }
    public func notePartitionMismatches(_ count: UInt64) { status.withLock { $0.partitionMismatches += count } }

    public var counts: [StreamCounts] { status.withLock { $0.counts } }
    public var partitionMismatches: UInt64 { status.withLock { $0.partitionMismatches } }
    public var commitStatistics: CommitStatistics { status.withLock { $0.commit } }
    /// Nil with `durability: replay`.
    package var flushes: Environment.Flushes? { environment.flushes }
    public var isStopped: Bool { stopReason != nil }
    /// Why ingest cannot go on; nil: it can.
    public var stopReason: String? { status.withLock { $0.stopReason } }

    /// How far behind the log the rows are, µs: 0 when all that was heard of is applied; nil while it is not known.
    func freshness(now: Int64) -> Microseconds? {
        status.withLock { status in Self.freshness(status, now: now) }
    }

    /// Whether the rows are more than `limit` behind, or nobody knows.
    func isBehind(_ limit: Microseconds, now: Int64) -> Bool { (freshness(now: now) ?? .max) > limit }

    private static func freshness(_ status: Status, now: Int64) -> Microseconds? {
        var behind: Microseconds?
        for (position, end) in zip(status.positions, status.ends) {
            if let end, end == position?.nextOffset ?? 0 {
                behind = behind ?? 0
            } else if let position {
                // Also while the end of the log is not known, or lies before what was read: then nobody knows how much is missing.
                behind = Swift.max(behind ?? 0, now - position.newestRecordTime)
            } else if end != nil {
                return nil  // nothing applied yet, so nobody knows
            }
        }
        if let since = status.disconnectedSince { behind = Swift.max(behind ?? 0, now - since) }
        return behind
    }

    func statusNow(_ now: Int64) -> ShardStatus {
        let info = environment.info()
        return status.withLock { status in
            var lag: Int64? = 0
            var positions: [ShardStatus.SourcePosition] = []
            for (i, stream) in catalog.definitions.streams.enumerated() {
                let offset = status.positions[i]?.nextOffset
                positions.append(.init(
                    topic: stream.topic, partition: number, offset: offset ?? 0, end: status.ends[i]))
                // A log that ends before what was read from it is not the same log.
                if let end = status.ends[i], let sum = lag, end >= offset ?? 0 { lag = sum + end - (offset ?? 0) } else { lag = nil }
            }
            let state: ShardStatus.State = status.stopReason != nil ? .stopped : status.disconnectedSince != nil ? .disconnected : .open
            let reason = status.stopReason ?? status.disconnectedSince.map { "no broker has answered for \((now - $0) / 1_000_000) s" }
            var seen = ShardStatus(
                shard: number, state: state, reason: reason,
                positions: positions, lagEvents: lag, freshness: Self.freshness(status, now: now), rows: status.rows,
                mapBytes: info.mapBytes, usedBytes: info.usedBytes)
            seen.commits = status.commit
            return seen
        }
    }

    func reapStaleReaders() -> Int { environment.reapStaleReaders() }
}

/// How batches went, since the shard opened.
public struct CommitStatistics: Sendable {
    public private(set) var batches: UInt64 = 0
    public private(set) var events: UInt64 = 0
    public private(set) var applying: Duration = .zero
    public private(set) var committing: Duration = .zero
    public private(set) var largestBatch = 0

    mutating func record(events count: Int, applying: Duration, committing: Duration) {
        batches += 1
        events += UInt64(count)
        self.applying += applying
        self.committing += committing
        largestBatch = Swift.max(largestBatch, count)
    }
}
