/// One row while the events come in as the broker had them: how far each of its logs is applied.
struct KnownRow {
    /// One stream of one partition.
    private struct Log {
        var next: Int
        var end: Int
    }

    private var logs: [Log] = []
    private let events: [EventCodec.View]
    /// The earliest timestamp from each event to the end of its log.
    private let earliest: [Int64]
    /// As the editor wrote it last; nil: no event yet.
    var bytes: UnsafeRawBufferPointer?

    /// `events`: of one entity, by row, stream, partition and order in the log.
    static func rows(of events: [EventCodec.View], keepingPartitionsApart: Bool) -> [KnownRow] {
        var earliest = [Int64](repeating: .max, count: events.count)
        var rows: [KnownRow] = []
        var logs: [[Log]] = []
        for i in events.indices {
            let isSameLog = i > 0 && events[i].stream == events[i - 1].stream && events[i].partition == events[i - 1].partition
            let isSameRow = i > 0 && (!keepingPartitionsApart || events[i].partition == events[i - 1].partition)
            if !isSameRow { logs.append([]) }
            if isSameLog { logs[logs.count - 1][logs[logs.count - 1].count - 1].end = i + 1 } else {
                logs[logs.count - 1].append(Log(next: i, end: i + 1))
            }
        }
        for row in logs {
            for log in row {
                var least = Int64.max
                for i in (log.next..<log.end).reversed() {
                    least = Swift.min(least, events[i].recordTime)
                    earliest[i] = least
                }
            }
        }
        for row in logs { rows.append(KnownRow(logs: row, events: events, earliest: earliest)) }
        return rows
    }

    private init(logs: [Log], events: [EventCodec.View], earliest: [Int64]) {
        self.logs = logs
        self.events = events
        self.earliest = earliest
    }

    /// Calls `body` with the events that had arrived by `time`, of each log up to the first that had not.
    mutating func advance(to time: Int64, _ body: (EventCodec.View) -> Void) {
        for i in logs.indices {
            while logs[i].next < logs[i].end, events[logs[i].next].recordTime <= time {
                body(events[logs[i].next])
                logs[i].next += 1
            }
        }
    }

    /// The events behind those that had arrived by `time` as well: only where the timestamps of a log go back and forth, as those of
    /// several producers may.
    func ahead(at time: Int64) -> [EventCodec.View] {
        var ahead: [EventCodec.View] = []
        for log in logs where log.next < log.end && earliest[log.next] <= time {
            var i = log.next
            while i < log.end, earliest[i] <= time {
                if events[i].recordTime <= time { ahead.append(events[i]) }
                i += 1
            }
        }
        return ahead
    }
}
