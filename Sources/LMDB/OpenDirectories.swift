internal import Glibc
internal import Synchronization

/// The directories that this process has open.
///
/// "Do not have open an LMDB database twice in the same process at the same time. Not even from a plain open() call" (lmdb.h,
/// caveats): closing one of them would drop the POSIX locks of the other.
enum OpenDirectories {
    struct Identity: Hashable, Sendable {
        let device: UInt64
        let inode: UInt64
    }

    private static let open = Mutex<Set<Identity>>([])

    static func claim(_ path: String) throws(LMDBError) -> Identity {
        var status = stat()
        guard stat(path, &status) == 0 else { throw LMDBError(code: errno, "opening the directory", path: path) }
        let identity = Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        guard open.withLock({ $0.insert(identity).inserted }) else {
            throw LMDBError(.alreadyOpen, "opening the environment a second time", path: path)
        }
        return identity
    }

    static func release(_ identity: Identity) {
        open.withLock { _ = $0.remove(identity) }
    }

    /// Creates the directory and its parents.
    static func create(_ path: String) throws(LMDBError) {
        guard !path.isEmpty else { throw LMDBError(code: ENOENT, "creating a directory without a name", path: path) }
        var prefix = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            prefix += part
            if mkdir(prefix, 0o750) != 0 {
                let code = errno
                // Besides EEXIST, a parent that we may not write to (EACCES, EROFS) is fine as long as it is a directory.
                var status = stat()
                guard stat(prefix, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                    throw LMDBError(code: code == EEXIST ? ENOTDIR : code, "creating directory \(prefix)", path: path)
                }
            }
            prefix += "/"
        }
    }
}
