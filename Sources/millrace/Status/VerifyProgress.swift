internal import Ingest

/// How far `verify` is: a bar for the logs, when there are some, then one for the topics.
final class VerifyProgress {
    private let isQuiet: Bool
    private var logs: (bar: BackfillProgress, last: Backfill.Progress)?
    private var topics: ReplayProgress?

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    func update(_ progress: Verification.Progress) {
        switch progress {
        case .logs(let progress):
            if logs == nil { logs = (BackfillProgress(isQuiet: isQuiet), progress) }
            logs!.last = progress
            logs!.bar.update(progress)
        case .topics(let progress):
            finishLogs()
            if topics == nil { topics = ReplayProgress(isQuiet: isQuiet) }
            topics!.update(progress)
        }
    }

    /// The last lines stay.
    func finish() {
        finishLogs()
        topics?.finish()
    }

    private func finishLogs() {
        if let logs { logs.bar.finish(logs.last) }
        logs = nil
    }
}
