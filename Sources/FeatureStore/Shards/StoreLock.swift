internal import Glibc

/// Who may change which directories a store has: servers share the lock, whoever replaces shards behind their backs (`millrace restore`) has
/// it alone.
///
/// A `flock` on the store's directory itself, so nothing is left behind; the system frees it when the process dies.
final class StoreLock: Sendable {
    private let descriptor: Int32

    /// Nil when another process (or another owner in this one) is in the way, or there is no such directory.
    init?(_ directory: String, exclusive: Bool) {
        let file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        guard flock(file, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 else {
            close(file)
            return nil
        }
        descriptor = file
    }

    deinit {
        // A process that is being started has a copy of the descriptor until it becomes another program: closing ours would leave the lock to it.
        _ = flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
