internal import Glibc

extension Environment {
    /// Syncs a directory, so that the names in it survive a crash of the system. 0 or an `errno`.
    package static func syncDirectory(_ path: String) -> Int32 {
        let file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { return errno }
        defer { Glibc.close(file) }
        return fsync(file) == 0 ? 0 : errno
    }

    /// Removes the files of an environment that nobody has open. The directory stays. Nothing there is fine.
    public static func destroy(path: String) throws(LMDBError) {
        for name in ["data.mdb", "lock.mdb"] {
            guard unlink(path + "/" + name) != 0, errno != ENOENT else { continue }
            throw LMDBError(code: errno, "removing \(name)", path: path)
        }
    }
}
