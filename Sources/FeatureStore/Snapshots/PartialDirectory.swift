internal import Glibc

/// A directory that gets its name when it is complete: until then it is `NAME.partial`, which nobody takes for a snapshot.
///
/// Locked as long as somebody writes into it; what a killed process has left is not, and the next one for the same name removes it.
final class PartialDirectory {
    static let suffix = ".partial"

    let path: String
    private let target: String
    private let parent: String
    private var lock: DirectoryLock?

    init(for target: String) throws(SnapshotError) {
        var target = target
        while target.count > 1, target.hasSuffix("/") { target.removeLast() }
        self.target = target
        path = target + Self.suffix
        parent = target.lastIndex(of: "/").map { $0 == target.startIndex ? "/" : String(target[..<$0]) } ?? "."
        if GenerationFiles.exists(target) {
            throw .refused("\(target) exists: name a directory that does not, the snapshot makes it")
        }
        if let failure = GenerationFiles.makeDirectory(parent) { throw .writing(path: parent, code: failure.code) }
        if GenerationFiles.exists(path) {
            guard Self.removeAbandoned(path) else {
                throw .refused("\(path): another process takes a snapshot there. Wait for its end, or choose another name")
            }
        }
        if mkdir(path, 0o750) != 0 { throw .writing(path: path, code: errno) }
        lock = DirectoryLock(path)
        if lock == nil { throw .refused("\(path): another process takes a snapshot there. Wait for its end, or choose another name") }
    }

    /// Everything in it is on the disk: it gets its name.
    func complete() throws(SnapshotError) {
        try Snapshot.syncDirectory(path)
        if GenerationFiles.exists(target) { throw .refused("\(target) exists: it was made meanwhile by somebody else") }
        if rename(path, target) != 0 { throw .writing(path: target, code: errno) }
        try Snapshot.syncDirectory(parent)
        lock = nil
    }

    func remove() {
        try? GenerationFiles.remove(path)
        lock = nil
    }

    /// Removes what nobody writes into any more; false when somebody does.
    static func removeAbandoned(_ path: String) -> Bool {
        guard let lock = DirectoryLock(path) else { return false }
        defer { withExtendedLifetime(lock) {} }
        try? GenerationFiles.remove(path)
        return !GenerationFiles.exists(path)
    }
}
