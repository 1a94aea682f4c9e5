internal import Foundation
internal import Ingest

/// How far `backfill` or `verify` is with the logs.
final class BackfillProgress {
    private let line: ProgressLine
    /// Of the first update: a resumed backfill begins in the middle.
    private var first: Int64?

    init(isQuiet: Bool) { line = ProgressLine(isQuiet: isQuiet) }

    func update(_ progress: Backfill.Progress) {
        if first == nil { first = progress.bytesRead }
        line.update { Self.line(progress, from: first ?? 0, seconds: max($0, 1e-6)) }
    }

    /// How much there was, and how fast it went.
    func finish(_ progress: Backfill.Progress) {
        line.finish { seconds in
            let rate = StatusLine.grouped(Int64(Double(progress.records) / max(seconds, 1e-6)))
            let megabytes = Double(progress.decompressedBytes) / 1e6
            return "\(StatusLine.grouped(progress.records)) events read in \(String(format: "%.1f", seconds)) s, \(rate) events/s, "
                + "\(String(format: "%.1f", megabytes / max(seconds, 1e-6))) MB/s of \(String(format: "%.1f", megabytes)) MB"
        }
    }

    private static func line(_ progress: Backfill.Progress, from first: Int64, seconds: Double) -> String {
        let rates = "\(StatusLine.grouped(Int64(Double(progress.records) / seconds))) events/s, "
            + "\(String(format: "%.1f", Double(progress.decompressedBytes) / 1e6 / seconds)) MB/s"
        guard let total = progress.totalBytes, total > 0 else {
            return "\(StatusLine.grouped(progress.records)) events, \(rates)"
        }
        let share = min(1, Double(progress.bytesRead) / Double(total))
        let speed = Double(progress.bytesRead - first) / seconds
        let left = speed > 0 ? ProgressLine.time(Double(total - progress.bytesRead) / speed) : "?"
        return "\(ProgressLine.bar(share)) \(Int(share * 100)) % of \(String(format: "%.1f", Double(total) / 1e6)) MB, \(rates), \(left) left"
    }
}
