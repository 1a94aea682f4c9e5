internal import FeatureStore
internal import Foundation
internal import Ingest

/// How far `rebuild` or `verify` is, on standard error: a bar on a terminal, a line each ten seconds elsewhere.
final class ReplayProgress {
    private let isQuiet: Bool
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let began = ContinuousClock.now
    private var shown = ContinuousClock.now
    private var last = Replay.Progress()

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    func update(_ progress: Replay.Progress) {
        last = progress
        guard !isQuiet, ContinuousClock.now - shown >= (isTerminal ? .milliseconds(500) : .seconds(10)) else { return }
        shown = ContinuousClock.now
        write(Self.line(progress, elapsed: shown - began), isLast: false)
    }

    /// The last line stays: how much there was, and how fast it went.
    func finish() {
        guard !isQuiet else { return }
        let elapsed = ContinuousClock.now - began
        let rate = StatusLine.grouped(Int64(Double(last.done) / max(elapsed.seconds, 1e-6)))
        write(
            "\(StatusLine.grouped(last.done)) records read in \(String(format: "%.1f", elapsed.seconds)) s, \(rate) records/s", isLast: true)
    }

    private func write(_ line: String, isLast: Bool) {
        let text = isTerminal ? "\r\u{1B}[K\(line)\(isLast ? "\n" : "")" : line + "\n"
        FileHandle.standardError.write(Data(text.utf8))
    }

    static func line(_ progress: Replay.Progress, elapsed: Duration) -> String {
        let share = progress.total > 0 ? Double(progress.done) / Double(progress.total) : 0
        let filled = Int(share * 30)
        let bar = String(repeating: "=", count: filled) + String(repeating: " ", count: 30 - filled)
        let rate = Double(progress.done) / max(elapsed.seconds, 1e-6)
        let left = rate > 0 ? Double(progress.total - progress.done) / rate : 0
        return "[\(bar)] \(Int(share * 100)) % of \(StatusLine.grouped(progress.total)) records, "
            + "\(StatusLine.grouped(Int64(rate))) records/s, \(rate > 0 ? time(left) : "?") left"
    }

    private static func time(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded(.up))
        return whole < 60 ? "\(whole) s" : whole < 3600 ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
}
