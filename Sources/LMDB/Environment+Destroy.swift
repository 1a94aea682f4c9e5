internal import Glibc

extension Environment {
    /// Removes the files of an environment that nobody has open. The directory stays. Nothing there is fine.
    public static func destroy(path: String) throws(LMDBError) {
        for name in ["data.mdb", CheckpointFile.name, "lock.mdb"] {
            guard unlink(path + "/" + name) != 0, errno != ENOENT else { continue }
            throw LMDBError(code: errno, "removing \(name)", path: path)
        }
    }
}
