internal import FeatureStore
internal import Foundation

/// A line on standard error that says how far something long is: rewritten in place on a terminal, a new one each ten seconds elsewhere.
final class ProgressLine {
    private let isQuiet: Bool
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let began = ContinuousClock.now
    private var shown = ContinuousClock.now

    init(isQuiet: Bool) { self.isQuiet = isQuiet }

    /// Shows what `line` makes of the seconds since the beginning, when it is time for another one.
    func update(_ line: (_ seconds: Double) -> String) {
        guard !isQuiet, ContinuousClock.now - shown >= (isTerminal ? .milliseconds(500) : .seconds(10)) else { return }
        shown = ContinuousClock.now
        write(line((shown - began).seconds), isLast: false)
    }

    /// The last line, which stays.
    func finish(_ line: (_ seconds: Double) -> String) {
        if !isQuiet { write(line((ContinuousClock.now - began).seconds), isLast: true) }
    }

    private func write(_ line: String, isLast: Bool) {
        let text = isTerminal ? "\r\u{1B}[K\(line)\(isLast ? "\n" : "")" : line + "\n"
        FileHandle.standardError.write(Data(text.utf8))
    }

    /// `[=====     ]`, `share` 0 to 1.
    static func bar(_ share: Double, width: Int = 30) -> String {
        let filled = Int(share * Double(width))
        return "[" + String(repeating: "=", count: filled) + String(repeating: " ", count: width - filled) + "]"
    }

    /// `12 s`, `3 min 5 s`, `2 h 40 min`.
    static func time(_ seconds: Double) -> String {
        let whole = Int(max(0, seconds).rounded(.up))
        return whole < 60 ? "\(whole) s" : whole < 3600 ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
}
