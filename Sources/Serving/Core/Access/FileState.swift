internal import Glibc

/// Enough of some files to tell that they have changed: which files they are, how large, and when they were written.
public struct FileState: Sendable {
    private struct File: Equatable {
        var inode: UInt64 = 0
        var size: Int64 = 0
        var seconds = 0
        var nanoseconds = 0
    }

    private let paths: [String]
    private var files: [File]

    public init(reading paths: [String]) {
        self.paths = paths
        files = paths.map(Self.look)
    }

    /// Looks again. Returns whether they are others than the last time.
    public mutating func hasChanged() -> Bool {
        let before = files
        files = paths.map(Self.look)
        return files != before
    }

    private static func look(_ path: String) -> File {
        var information = stat()
        guard stat(path, &information) == 0 else { return File() }
        return File(
            inode: UInt64(information.st_ino), size: Int64(information.st_size), seconds: information.st_mtim.tv_sec,
            nanoseconds: information.st_mtim.tv_nsec)
    }
}
