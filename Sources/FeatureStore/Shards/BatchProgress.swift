/// What a batch of records means besides its events: how far each topic has been read, and what was dropped on the way.
/// Commits with the events, so that counts and positions are exact after any crash.
public struct BatchProgress: Sendable {
    /// Per stream: the next offset and the newest broker timestamp (µs); nil: no record of it in this batch.
    public var positions: [Position?]
    /// Per stream and reason: records that never became events.
    public var dropped: [[UInt64]]
    /// In a backfill: where in the logs the batch ends.
    public var mark: BackfillMark?

    public struct Position: Sendable, Equatable {
        public var nextOffset: Int64
        public var newestRecordTime: Int64
        public init(nextOffset: Int64, newestRecordTime: Int64) {
            self.nextOffset = nextOffset
            self.newestRecordTime = newestRecordTime
        }
    }

    public init(streamCount: Int) {
        positions = Array(repeating: nil, count: streamCount)
        dropped = Array(repeating: Array(repeating: 0, count: DropReason.allCases.count), count: streamCount)
    }

    /// Forgets everything, keeps the memory.
    public mutating func reset() {
        mark = nil
        for i in positions.indices {
            positions[i] = nil
            for reason in dropped[i].indices { dropped[i][reason] = 0 }
        }
    }

    public mutating func drop(_ reason: DropReason, stream: Int) { dropped[stream][Int(reason.rawValue)] += 1 }
}

/// Events by stream since the store began; part of the state.
public struct StreamCounts: Sendable, Equatable {
    public var applied: UInt64 = 0
    /// By `DropReason.rawValue`.
    public var dropped = [UInt64](repeating: 0, count: DropReason.allCases.count)
    public init() {}

    mutating func add(_ outcome: RowEditor.Outcome) {
        if let reason = outcome.dropReason { dropped[Int(reason.rawValue)] += 1 } else { applied += 1 }
    }

    public subscript(reason: DropReason) -> UInt64 { dropped[Int(reason.rawValue)] }
}
