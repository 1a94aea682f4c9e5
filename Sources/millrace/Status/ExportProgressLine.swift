internal import Export
internal import FeatureStore
internal import Foundation
internal import Synchronization

/// How far `export` is, on standard error: rewritten in place on a terminal, a line each ten seconds elsewhere; then what came of it.
final class ExportProgressLine: Sendable {
    private struct State {
        var phase: ExportProgress.Phase?
        var phaseBegan = ContinuousClock.now
        var shown = ContinuousClock.now - .seconds(60)
    }

    private let isQuiet: Bool
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let began = ContinuousClock.now
    private let state = Mutex(State())

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    func show(_ progress: ExportProgress) {
        guard !isQuiet else { return }
        let now = ContinuousClock.now
        let elapsed = state.withLock { state -> Duration? in
            if state.phase != progress.phase {
                state.phase = progress.phase
                state.phaseBegan = now
            }
            guard now - state.shown >= (isTerminal ? .milliseconds(200) : .seconds(10)) else { return nil }
            state.shown = now
            return now - state.phaseBegan
        }
        guard let elapsed else { return }
        let line = Self.line(progress, seconds: elapsed.seconds)
        FileHandle.standardError.write(Data((isTerminal ? "\r\u{1B}[K" + line : line + "\n").utf8))
    }

    /// `logs [=========>      ] 61 %  1,204 MB of 1,967 MB, 88 MB/s, 9 s left`
    static func line(_ progress: ExportProgress, seconds: Double) -> String {
        let isBytes = progress.phase == .readingLogs || progress.phase == .readingRequests
        func amount(_ n: Double) -> String {
            isBytes ? StatusLine.grouped(Int64(n / 1e6)) + " MB" : StatusLine.grouped(Int64(n)) + " rows"
        }
        let rate = Double(progress.done) / max(seconds, 1e-3)
        var line = progress.phase.rawValue
        if let total = progress.total, total > 0 {
            let share = min(1, Double(progress.done) / Double(total))
            line += " \(ProgressLine.bar(share, width: 24)) \(Int(share * 100)) %"
                + "  \(amount(Double(progress.done))) of \(amount(Double(total))), \(amount(rate))/s"
            if rate > 0, seconds > 1 { line += ", \(Int((Double(total - progress.done) / rate).rounded(.up))) s left" }
        } else {
            line += "  \(amount(Double(progress.done))), \(amount(rate))/s"
        }
        return line
    }

    func finish(_ summary: ExportSummary, output: String) {
        guard !isQuiet else { return }
        let seconds = (ContinuousClock.now - began).seconds
        func grouped(_ n: Int) -> String { StatusLine.grouped(Int64(n)) }
        let counts = summary.replay
        var text = isTerminal ? "\r\u{1B}[K" : ""
        text += "\(grouped(summary.rows)) rows of \(grouped(summary.entities)) entities in \(String(format: "%.1f", seconds)) s"
        text += output == "-" ? "\n" : ", in \(output)\n"
        text += "  events: \(grouped(summary.eventsRead)) read, \(grouped(summary.eventsKept)) of these entities"
        text += "; applied \(grouped(counts.applied)), late \(grouped(counts.late)), duplicate \(grouped(counts.duplicate))"
        if counts.repeated > 0 { text += ", the same record again \(grouped(counts.repeated))" }
        text += "\n"
        let dropped = DropReason.allCases.filter { summary.dropped[Int($0.rawValue)] > 0 }
        if !dropped.isEmpty {
            text += "  records that are no events: " + dropped.map { "\($0) \(grouped(summary.dropped[Int($0.rawValue)]))" }.joined(separator: ", ") + "\n"
            for fault in summary.faults { text += "    \(fault)\n" }
        }
        if summary.spilledBytes > 0 { text += "  temporary files: \(grouped(summary.spilledBytes / 1_000_000)) MB\n" }
        if counts.openLabels > 0 {
            text += "  labels that are null because the logs end within their horizon: \(grouped(counts.openLabels))\n"
        }
        FileHandle.standardError.write(Data(text.utf8))
    }
}
