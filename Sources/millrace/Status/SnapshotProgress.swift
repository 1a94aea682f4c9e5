internal import FeatureStore
internal import Foundation

/// How far `snapshot` or `restore` is.
final class SnapshotProgress {
    private let line: ProgressLine
    private let verb: String
    private var last: Snapshot.Progress?

    init(isQuiet: Bool, verb: String) {
        line = ProgressLine(isQuiet: isQuiet)
        self.verb = verb
    }

    func update(_ progress: Snapshot.Progress) {
        last = progress
        line.update { Self.line(progress, seconds: $0) }
    }

    func finish() {
        line.finish { seconds in
            let bytes = last?.bytes ?? 0
            return "\(SnapshotReport.size(bytes)) \(verb) in \(String(format: "%.1f", seconds)) s, "
                + "\(SnapshotReport.size(Int(Double(bytes) / max(seconds, 1e-6))))/s"
        }
    }

    private static func line(_ progress: Snapshot.Progress, seconds: Double) -> String {
        let rate = "\(SnapshotReport.size(progress.bytes)), \(SnapshotReport.size(Int(Double(progress.bytes) / max(seconds, 1e-6))))/s"
        // Of a stream nobody knows how much is still to come.
        guard progress.shardCount > 0 else { return "shard \(progress.shard), \(rate)" }
        let part = progress.entryCount > 0 ? min(1, Double(progress.entries) / Double(progress.entryCount)) : 0
        let share = min(1, (Double(progress.shardsDone) + (progress.shardsDone < progress.shardCount ? part : 0)) / Double(progress.shardCount))
        let left = share > 0.001 ? ProgressLine.time(seconds / share - seconds) : "?"
        return "\(ProgressLine.bar(share)) shard \(progress.shard) (\(progress.shardsDone) of \(progress.shardCount) done), \(rate), \(left) left"
    }
}
