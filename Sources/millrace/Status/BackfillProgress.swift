internal import FeatureStore
internal import Foundation
internal import Ingest

/// How far `backfill` is, on standard error: a bar on a terminal, a line each ten seconds elsewhere.
final class BackfillProgress {
    private let isQuiet: Bool
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let began = ContinuousClock.now
    private var shown = ContinuousClock.now
    /// Of the first update: a resumed backfill begins in the middle.
    private var first: Int64?

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    func update(_ progress: Backfill.Progress) {
        if first == nil { first = progress.bytesRead }
        guard !isQuiet, ContinuousClock.now - shown >= (isTerminal ? .milliseconds(500) : .seconds(10)) else { return }
        shown = ContinuousClock.now
        write(Self.line(progress, from: first ?? 0, elapsed: shown - began), isLast: false)
    }

    /// The last line stays: how much there was, and how fast it went.
    func finish(_ progress: Backfill.Progress) {
        guard !isQuiet else { return }
        let seconds = (ContinuousClock.now - began).seconds
        let rate = StatusLine.grouped(Int64(Double(progress.records) / max(seconds, 1e-6)))
        let megabytes = Double(progress.decompressedBytes) / 1e6
        write(
            "\(StatusLine.grouped(progress.records)) events read in \(String(format: "%.1f", seconds)) s, \(rate) events/s, "
                + "\(String(format: "%.1f", megabytes / max(seconds, 1e-6))) MB/s of \(String(format: "%.1f", megabytes)) MB", isLast: true)
    }

    private func write(_ line: String, isLast: Bool) {
        let text = isTerminal ? "\r\u{1B}[K\(line)\(isLast ? "\n" : "")" : line + "\n"
        FileHandle.standardError.write(Data(text.utf8))
    }

    static func line(_ progress: Backfill.Progress, from first: Int64, elapsed: Duration) -> String {
        let seconds = max(elapsed.seconds, 1e-6)
        let rates = "\(StatusLine.grouped(Int64(Double(progress.records) / seconds))) events/s, "
            + "\(String(format: "%.1f", Double(progress.decompressedBytes) / 1e6 / seconds)) MB/s"
        guard let total = progress.totalBytes, total > 0 else {
            return "\(StatusLine.grouped(progress.records)) events, \(rates)"
        }
        let share = min(1, Double(progress.bytesRead) / Double(total))
        let filled = Int(share * 30)
        let bar = String(repeating: "=", count: filled) + String(repeating: " ", count: 30 - filled)
        let speed = Double(progress.bytesRead - first) / seconds
        let left = speed > 0 ? time(Double(total - progress.bytesRead) / speed) : "?"
        return "[\(bar)] \(Int(share * 100)) % of \(String(format: "%.1f", Double(total) / 1e6)) MB, \(rates), \(left) left"
    }

    private static func time(_ seconds: Double) -> String {
        let whole = Int(max(0, seconds).rounded(.up))
        return whole < 60 ? "\(whole) s" : whole < 3600 ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
}
