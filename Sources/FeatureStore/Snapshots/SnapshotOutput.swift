internal import Glibc
internal import LMDB

/// A file or a pipe that a snapshot is written to. Everything that is not written is an error.
final class SnapshotOutput {
    let path: String
    private let file: Int32
    private let isOwned: Bool
    private(set) var bytes = 0
    private var unsynced = 0
    /// So much is written to the disk at a time: a large flush at the end would make the commits of ingest wait for it.
    private static let syncBytes = 16 << 20

    /// A new file.
    init(creating path: String) throws(SnapshotError) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        guard file >= 0 else { throw .writing(path: path, code: errno) }
        self.path = path
        self.file = file
        isOwned = true
    }

    /// An open pipe or file, which is not closed.
    init(descriptor: Int32, name: String) {
        file = descriptor
        path = name
        isOwned = false
    }

    deinit { if isOwned { close(file) } }

    var isStream: Bool { !isOwned }

    func write(_ buffer: UnsafeRawBufferPointer) throws(SnapshotError) {
        var at = 0
        while at < buffer.count {
            let count = Glibc.write(file, buffer.baseAddress! + at, buffer.count - at)
            if count < 0 {
                if errno == EINTR { continue }
                throw .writing(path: path, code: errno)
            }
            at += count
        }
        bytes += buffer.count
        unsynced += buffer.count
        if isOwned, unsynced >= Self.syncBytes { try sync() }
    }

    /// On the disk when it returns; and out of the page cache, where rows are of more use. A pipe has no such thing.
    func sync() throws(SnapshotError) {
        unsynced = 0
        if fdatasync(file) != 0, errno != EINVAL, errno != EROFS { throw .writing(path: path, code: errno) }
        posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
    }
}

extension Snapshot {
    /// On the disk when it returns: the names in a directory.
    static func syncDirectory(_ path: String) throws(SnapshotError) {
        let code = Environment.syncDirectory(path)
        if code != 0 { throw .writing(path: path, code: code) }
    }
}
