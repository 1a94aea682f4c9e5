internal import FeatureStore
internal import Foundation

/// How far `generate` is, on standard error; once a second.
struct GeneratorProgress {
    private let total: Int?
    private let isQuiet: Bool
    private let began = ContinuousClock.now
    private var last = ContinuousClock.now
    private var lastSent = 0
    private(set) var sent = 0
    private var bytes = 0
    private let isTerminal = isatty(STDERR_FILENO) == 1

    init(total: Int?, isQuiet: Bool) {
        self.total = total
        self.isQuiet = isQuiet
    }

    mutating func count(bytes: Int) {
        sent += 1
        self.bytes += bytes
        guard !isQuiet, isTerminal, sent % 256 == 0 else { return }
        let now = ContinuousClock.now
        let elapsed = now - last
        guard elapsed >= .seconds(1) else { return }
        show("\(StatusLine.grouped(Int64(sent)))\(share) events, \(rate(sent - lastSent, elapsed)) events/s")
        last = now
        lastSent = sent
    }

    private var share: String {
        guard let total else { return "" }
        return " \(ProgressLine.bar(Double(sent) / Double(total))) \(100 * sent / total) % of \(total)"
    }

    private func rate(_ count: Int, _ elapsed: Duration) -> String {
        return StatusLine.grouped(Int64(Double(count) / max(elapsed.seconds, 1e-6)))
    }

    private func show(_ line: String) { FileHandle.standardError.write(Data("\r\u{1B}[K\(line)".utf8)) }

    func finish() {
        guard !isQuiet else { return }
        if isTerminal { show("") }
        let line = "\(StatusLine.grouped(Int64(sent))) events, \(StatusLine.grouped(Int64(bytes))) bytes, \(rate(sent, ContinuousClock.now - began)) events/s\n"
        FileHandle.standardError.write(Data(line.utf8))
    }
}
