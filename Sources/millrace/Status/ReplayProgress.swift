internal import Foundation
internal import Ingest

/// How far `rebuild` or `verify` is with the topics.
final class ReplayProgress {
    private let line: ProgressLine
    private var last = Replay.Progress()

    init(isQuiet: Bool) { line = ProgressLine(isQuiet: isQuiet) }

    func update(_ progress: Replay.Progress) {
        last = progress
        line.update { Self.line(progress, seconds: $0) }
    }

    /// How much there was, and how fast it went.
    func finish() {
        line.finish { seconds in
            let rate = StatusLine.grouped(Int64(Double(last.done) / max(seconds, 1e-6)))
            return "\(StatusLine.grouped(last.done)) records read in \(String(format: "%.1f", seconds)) s, \(rate) records/s"
        }
    }

    private static func line(_ progress: Replay.Progress, seconds: Double) -> String {
        let share = progress.total > 0 ? Double(progress.done) / Double(progress.total) : 0
        let rate = Double(progress.done) / max(seconds, 1e-6)
        let left = rate > 0 ? ProgressLine.time(Double(progress.total - progress.done) / rate) : "?"
        return "\(ProgressLine.bar(share)) \(Int(share * 100)) % of \(StatusLine.grouped(progress.total)) records, "
            + "\(StatusLine.grouped(Int64(rate))) records/s, \(left) left"
    }
}
