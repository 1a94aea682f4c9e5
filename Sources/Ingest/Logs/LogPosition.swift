/// A place between two records of a log: what has been read, and where to go on.
///
/// Positions of one list of files are ordered. The offset counts decompressed bytes.
public struct LogPosition: Sendable, Equatable, Comparable, CustomStringConvertible {
    /// Index in the list of files.
    public var file: Int
    public var offset: Int64
    /// Line breaks before it in the file; 0 in files without lines.
    public var line: Int64

    public init(file: Int, offset: Int64, line: Int64) {
        self.file = file
        self.offset = offset
        self.line = line
    }

    public static let start = LogPosition(file: 0, offset: 0, line: 0)

    public static func < (a: LogPosition, b: LogPosition) -> Bool { (a.file, a.offset) < (b.file, b.offset) }

    /// `FILE:OFFSET:LINE`.
    public var description: String { "\(file):\(offset):\(line)" }

    /// Reads `description` back.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let file = Int(parts[0]), let offset = Int64(parts[1]), let line = Int64(parts[2]),
            file >= 0, offset >= 0, line >= 0
        else { return nil }
        self.init(file: file, offset: offset, line: line)
    }
}
