internal import Glibc

/// Sole right to a directory among all processes, or one that is shared, held until the object goes; the system frees it when the process dies.
///
/// It is a `flock` on the directory itself: nothing is left behind, and it goes along when the directory is renamed.
///
/// Who writes a generation has its directory alone. Servers share the store's, whoever replaces shards behind their backs (`millrace restore`) has
/// it alone.
final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// Nil when another process, or another owner in this one, is in the way (after waiting), or there is no such directory.
    init?(_ path: String, isShared: Bool = false, waitMilliseconds: Int = 0) {
        var waited = 0
        while true {
            let file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard file >= 0 else { return nil }
            if flock(file, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 {
                // It may have been renamed or removed while we were at it: then this is a lock on something else.
                var held = stat(), named = stat()
                if fstat(file, &held) == 0, stat(path, &named) == 0, held.st_dev == named.st_dev, held.st_ino == named.st_ino {
                    descriptor = file
                    return
                }
            }
            close(file)
            guard waited < waitMilliseconds else { return nil }
            usleep(50_000)
            waited += 50
        }
    }

    deinit {
        // A process that is being started has a copy of the descriptor until it becomes another program: closing ours would leave the lock to it.
        _ = flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
