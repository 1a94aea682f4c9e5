internal import CLMDB
internal import Glibc

/// Blocks on the disk for everything that is written through a map.
///
/// A store to a page of a mapped file that has no block yet needs one at that moment, and a full disk then is `SIGBUS`: the end of the
/// process, lookups included. So what is written through a map is allocated before; a full disk is then an error of `grow` or of the
/// opening. (Not so on file systems that copy on write, such as btrfs and ZFS: they need a new block for each store.)
extension Environment {
    /// Gives the bytes `from..<to` of the data file blocks and makes the file at least as long. 0 or an `errno`; then nothing has changed.
    static func allocate(_ handle: OpaquePointer, from: Int, to: Int) -> Int32 {
        var file: Int32 = -1
        let code = mdb_env_get_fd(handle, &file)
        guard code == 0 else { return code }
        let result = allocate(file, from: from, to: to)
        // Some file systems keep what they got before they ran out.
        if result != 0, from > 0 { _ = ftruncate(file, off_t(from)) }
        return result
    }

    /// Allocates the whole map of an environment that was just opened. When there is no room, a map that holds exactly the data will do:
    /// it can be read, and written as far as free pages go.
    static func allocateMap(_ handle: OpaquePointer) -> Int32 {
        var info = MDB_envinfo()
        var status = MDB_stat()
        mdb_env_info(handle, &info)
        mdb_env_stat(handle, &status)
        let code = allocate(handle, from: 0, to: info.me_mapsize)
        let used = wholePages((info.me_last_pgno + 1) * Int(status.ms_psize)) ?? info.me_mapsize
        guard code == ENOSPC || code == EDQUOT, info.me_last_txnid > 0, used < info.me_mapsize else { return code }
        let shrunk = mdb_env_set_mapsize(handle, used)
        return shrunk == 0 ? allocate(handle, from: 0, to: used) : shrunk
    }

    /// The slots of the reader table are written through a map as well. LMDB makes the file sparse, so it is made here: as large as LMDB
    /// would, or a little larger, which gives a few more slots.
    ///
    /// "Not even from a plain open() call" (lmdb.h, caveats) is about an environment that is open: here it is not yet.
    static func allocateLockFile(_ path: String, maxReaders: Int, create: Bool) -> Int32 {
        let file = open(path + "/lock.mdb", O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0o640)
        guard file >= 0 else { return 0 }  // LMDB says it better, or can do without.
        defer { Glibc.close(file) }
        // Two cache lines with a mutex each, then one for each reader (mdb.c, MDB_txninfo, MDB_reader).
        let code = allocate(file, from: 0, to: 128 + 64 * max(1, maxReaders))
        return code == ENOSPC || code == EDQUOT ? code : 0
    }

    private static func allocate(_ file: Int32, from: Int, to: Int) -> Int32 {
        guard to > from else { return 0 }
        while true {
            let code = posix_fallocate(file, off_t(from), off_t(to - from))
            if code != EINTR { return code }
        }
    }
}
