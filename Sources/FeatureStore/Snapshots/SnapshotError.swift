internal import Glibc

/// Why a snapshot could not be taken, is not whole or cannot be restored. Each says what to do.
public enum SnapshotError: Error, CustomStringConvertible {
    /// The bytes are not what was written: where, and what is wrong.
    case damaged(String, file: String, offset: Int)
    /// Something stands in the way: what, and what to do.
    case refused(String)
    /// The operating system refuses to write; the `errno`.
    case writing(path: String, code: Int32)
    case reading(path: String, code: Int32)
    /// Ended from outside; nothing of it is left.
    case interrupted

    /// Whether freeing disk space is all it takes.
    public var isDiskFull: Bool {
        if case .writing(_, let code) = self { return code == ENOSPC || code == EDQUOT }
        return false
    }

    public var description: String {
        switch self {
        case .damaged(let what, let file, let offset):
            "\(file) is damaged at byte \(offset): \(what). Nothing was restored from it; take another snapshot, or another copy of this one."
        case .refused(let text): text
        case .writing(let path, let code):
            "cannot write \(path): \(Self.text(code)). \(code == ENOSPC || code == EDQUOT ? "Free space there or choose another place" : "Check the path, its owner and mode"); nothing of the snapshot is left."
        case .reading(let path, let code):
            "cannot read \(path): \(Self.text(code)). Check the path, its owner and mode."
        case .interrupted: "interrupted; nothing was changed"
        }
    }

    private static func text(_ code: Int32) -> String { "\(String(cString: strerror(code))) (\(code))" }
}
