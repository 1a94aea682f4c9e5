/// A stream that cannot be decoded as its definition says. Found once, at start; the remedy says what to change.
public struct DecoderSetupError: Error, Sendable, Equatable, CustomStringConvertible {
    public let stream: String
    /// Path of the field that is at fault, if one is.
    public let path: String?
    public let problem: String
    public let remedy: String

    public var description: String {
        "stream `\(stream)`\(path.map { ", field `\($0)`" } ?? ""): \(problem); \(remedy)"
    }
}

/// A setup error of which the stream is not known yet.
struct SetupProblem: Error {
    let problem: String
    let remedy: String
    /// The schema has no such field.
    var isMissing = false
}
