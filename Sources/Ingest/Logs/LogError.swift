/// Why a log cannot be read on: a file, a place in it, what is wrong there and what to do.
public struct LogError: Error, Sendable, Equatable, CustomStringConvertible {
    /// `-` is standard input; nil: no file in particular.
    public var path: String?
    /// Counted from 1; nil where the file has no lines.
    public var line: Int64?
    /// Offset in the decompressed bytes.
    public var offset: Int64?
    public var problem: String
    public var remedy: String?

    /// The line is counted from the beginning of a block of this file, after so many lines of header.
    var isRelative = false
    var file = 0
    var headerLines: Int64 = 0

    public init(path: String? = nil, line: Int64? = nil, offset: Int64? = nil, _ problem: String, remedy: String? = nil) {
        self.path = path
        self.line = line
        self.offset = offset
        self.problem = problem
        self.remedy = remedy
    }

    public var description: String {
        let place = LogPlace.text(path: path, line: line, offset: offset)
        return "\(place.isEmpty ? "" : place + ": ")\(problem)\(remedy.map { "; \($0)" } ?? "")"
    }
}

/// An event of a log that was dropped, for people to look at.
public struct LogFault: Sendable, Equatable, CustomStringConvertible {
    public var path: String
    public var line: Int64?
    public var offset: Int64
    /// Nil: the record does not say which stream it belongs to.
    public var stream: String?
    public var problem: String

    public var description: String {
        "\(LogPlace.text(path: path, line: line, offset: offset)): \(stream.map { "\($0): " } ?? "")\(problem)"
    }
}

enum LogPlace {
    /// `FILE:LINE (byte OFFSET)`, as far as it is known.
    static func text(path: String?, line: Int64?, offset: Int64?) -> String {
        guard let path else { return "" }
        let name = path == "-" ? "standard input" : path
        return "\(name)\(line.map { ":\($0)" } ?? "")\(offset.map { " (byte \($0))" } ?? "")"
    }
}
