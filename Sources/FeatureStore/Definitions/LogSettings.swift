/// How the program writes its log.
public struct LogSettings: Sendable, Equatable {
    public var format: Format = .text
    public var level: Level = .info
    public init() {}

    public enum Format: String, Sendable, CaseIterable {
        /// For people.
        case text
        /// One object a line (docs/LOGS.md names its keys).
        case json
    }

    public enum Level: String, Sendable, CaseIterable { case debug, info, notice, warning, error }
}
