internal import FeatureStore
internal import Ingest

/// What a backfill did, for people: a table of outcomes per stream, what was left out, and where the live stream goes on.
struct BackfillReport {
    private let definitions: Definitions
    private let outcome: Backfill.Outcome
    private let hasUntil: Bool

    init(_ definitions: Definitions, _ outcome: Backfill.Outcome, hasUntil: Bool) {
        self.definitions = definitions
        self.outcome = outcome
        self.hasUntil = hasUntil
    }

    var warnings: [String] {
        var lines = outcome.faults.map { "dropped: \($0)" }
        for gap in outcome.beginnings {
            lines.append("warning: the logs of \(gap.topic)[\(gap.partition)] begin at offset \(gap.count), not at the topic's beginning")
        }
        for gap in outcome.gaps {
            lines.append("warning: \(StatusLine.grouped(gap.count)) offsets of \(gap.topic)[\(gap.partition)] are missing in the logs; compaction and transactions leave such gaps, lost files too")
        }
        if outcome.partitionMismatches > 0 {
            lines.append("warning: \(StatusLine.grouped(Int64(outcome.partitionMismatches))) events lie in another partition than their key belongs to; is `partitioner` right?")
        }
        return lines
    }

    var text: String {
        // Only the reasons that occurred, so that the table stays narrow.
        let reasons = DropReason.allCases.filter { reason in outcome.counts.contains { $0[reason] > 0 } }
        var table = TextTable(["stream", "applied"] + reasons.map { "\($0)" }, rightAligned: Set(1...reasons.count + 1))
        for (stream, counts) in zip(definitions.streams, outcome.counts) {
            table.add([stream.name, grouped(counts.applied)] + reasons.map { grouped(counts[$0]) })
        }
        var lines = table.lines(indent: "")
        let skipped = outcome.skipped
        if skipped.outside > 0 { lines.append("\(grouped(skipped.outside)) events are outside of --from and --until") }
        if skipped.otherTopics > 0 { lines.append("\(grouped(skipped.otherTopics)) records are of topics that no stream reads") }
        if skipped.noStream > 0 { lines.append("\(grouped(skipped.noStream)) malformed records do not say which stream they belong to") }
        if outcome.isComplete {
            lines.append(
                outcome.adopted == outcome.shards
                    ? "\(outcome.shards) shards are complete and live"
                    : "\(outcome.shards) shards are complete; a server with these definitions takes them over while it runs, or when it starts")
            lines.append(handOver)
        }
        return lines.joined(separator: "\n")
    }

    private var handOver: String {
        if hasUntil { return "the live stream is read from its beginning and leaves out what lies before --until" }
        if outcome.positions.isEmpty {
            return "the logs do not say offsets: the live stream is read from `kafka.start`; events that are in both count twice in streams without ids"
        }
        return "the live stream goes on at " + outcome.positions.map { "\($0.topic)[\($0.partition)]@\($0.nextOffset)" }.joined(separator: ", ")
    }

    private func grouped(_ n: UInt64) -> String { StatusLine.grouped(Int64(n)) }
}
