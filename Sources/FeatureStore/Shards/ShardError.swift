internal import Glibc
public import LMDB

/// Why a shard cannot be opened or go on. Each says what to do.
public enum ShardError: Error, CustomStringConvertible {
    /// The rows were written under another definition of a view or stream; going on would mix the two.
    case definitionChanged(kind: String, name: String, directory: String)
    /// The topic had another number of partitions when the shard was made: keys have moved.
    case partitionCountChanged(topic: String, was: Int, is: Int, directory: String)
    /// The rows or tombstones were written with another key file.
    case pseudonymKeyChanged(directory: String)
    /// There are tombstones, and the definitions have no erasures.
    case erasuresOff(directory: String)
    /// It is not known whether an erasure is missing.
    case unconfirmed(String, directory: String)
    case formatVersion(found: Int, directory: String)
    /// Something about a next generation: what, and what to do.
    case generation(String, directory: String)
    case corrupt(String, directory: String)
    case mapLimit(bytes: Int, directory: String)
    case storage(LMDBError)
    case file(String, directory: String)
    /// `millrace restore` replaces the store's shards.
    case beingRestored(directory: String)
    /// A file beside the environment cannot be written; the `errno`.
    case writing(String, code: Int32, directory: String)

    /// Whether freeing disk space is all it takes.
    public var isDiskFull: Bool {
        switch self {
        case .storage(let error): error.kind == .diskFull
        case .writing(_, let code, _): code == ENOSPC || code == EDQUOT
        default: false
        }
    }

    /// Whether it is enough to wait for a broker.
    public var isUnconfirmed: Bool { if case .unconfirmed = self { true } else { false } }

    public var description: String {
        switch self {
        case .definitionChanged(let kind, let name, let directory):
            """
            \(kind) `\(name)` is defined differently from when the rows in \(directory) were written. Run `millrace rebuild` with the new \
            definitions (it builds a new generation from the log beside this one; the next start adopts it), or give the changed \(kind) a \
            new name (it starts empty and says `warming`).
            """
        case .partitionCountChanged(let topic, let was, let now, let directory):
            """
            topic `\(topic)` has \(now) partitions, the shard in \(directory) was made when it had \(was): customers have moved between \
            partitions. Run `millrace rebuild` and start again; or delete the store's directory and start again: it is rebuilt from the log.
            """
        case .pseudonymKeyChanged(let directory):
            """
            the pseudonyms in \(directory) were made with another key than that of `privacy: {key: ...}`. Name the key file that they were made with, or \
            run `millrace rebuild` with the new key (the next start adopts what it builds).
            """
        case .erasuresOff(let directory):
            """
            entities were erased from \(directory), and the definitions have no `privacy: {erasures: ...}` any more, so they would come back. Put it \
            back as it was.
            """
        case .unconfirmed(let reason, let directory):
            "\(directory) is not served before the erasures up to now are applied: \(reason)"
        case .formatVersion(let found, let directory):
            "\(directory) has store format \(found); this program reads format \(Shard.formatVersion). Use the program that wrote it, or run `millrace rebuild` and start again."
        case .corrupt(let what, let directory), .generation(let what, let directory):
            "\(directory): \(what)"
        case .mapLimit(let bytes, let directory):
            "the map of \(directory) has reached `store.max_map_size` (\(bytes) bytes). Raise it in the definitions file and start again."
        case .storage(let error): error.description
        case .file(let what, let directory): "\(directory): \(what)"
        case .beingRestored(let directory): "\(directory) is being restored: wait until `millrace restore` has ended"
        case .writing(let file, let code, let directory):
            "\(directory): cannot write the file `\(file)`: \(String(cString: strerror(code))) (\(code)). Check the free space, the owner and the mode."
        }
    }
}
