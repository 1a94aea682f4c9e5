internal import CLMDB
internal import Glibc

/// What went wrong in LMDB, where, and what to do about it.
///
/// Absence is never an error: `get` answers `nil` and `delete` answers `false`.
public struct LMDBError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The cases a caller can act on.
    public enum Kind: Equatable, Sendable {
        /// The map has no free page left. The transaction is lost; call `Environment.grow(toMapBytes:)` and run it again.
        case mapFull
        /// The file system refused to take the pages (`ENOSPC`, `EDQUOT`, `EIO`), or has less than the reserve left.
        case diskFull
        /// Every slot of the reader table is taken, by this process or by others.
        case readersFull
        /// One transaction touched more pages than LMDB can track (about 500 MB of dirty pages): make the batch smaller.
        case transactionFull
        /// A page is missing or of the wrong type, or the file is not LMDB's.
        case corrupted
        /// The file was written by a version of LMDB that this one cannot read.
        case versionMismatch
        /// A read-only environment was asked for a table that nobody has created.
        case missingTable
        /// A key is empty or longer than 511 bytes, or a value longer than 4 GiB.
        case badSize
        /// The directory is already open in this process; a second opening would break LMDB's file locks.
        case alreadyOpen
        /// The environment was closed.
        case closed
        /// Any other code of LMDB or of the operating system.
        case other
    }

    public let kind: Kind
    /// LMDB's code (negative) or `errno` (positive); 0 when the module itself refused.
    public let code: Int32
    /// The operation, with the sizes or names that matter.
    public let what: String
    /// The environment's directory.
    public let path: String

    init(_ kind: Kind, code: Int32 = 0, _ what: String, path: String) {
        (self.kind, self.code, self.what, self.path) = (kind, code, what, path)
    }

    init(code: Int32, _ what: String, path: String) {
        self.init(Self.kind(ofCode: code), code: code == TransactionGate.closedCode ? 0 : code, what, path: path)
    }

    public var description: String {
        let reason = code == 0 ? "" : ": \(String(cString: mdb_strerror(code))) (\(code))"
        return "LMDB: \(what) failed in \(path)\(reason). \(remedy)"
    }

    private var remedy: String {
        switch kind {
        case .mapFull: "The map is full: grow it and run the transaction again."
        case .diskFull: "Free space on that file system (or repair it), then run the transaction again; nothing was committed."
        case .readersFull: "Raise maxReaders, read with fewer threads, or reap the readers of dead processes."
        case .transactionFull: "Write fewer entries in one transaction."
        case .corrupted: "Move the directory away and rebuild it from a snapshot and the log."
        case .versionMismatch: "Open it with the LMDB that wrote it, or rebuild the directory."
        case .missingTable: "Check the directory: a writer has to create the table first."
        case .badSize: "Keys have 1 to 511 bytes, values at most 4 GiB."
        case .alreadyOpen: "Share the one Environment, or close it first."
        case .closed: "Open a new Environment."
        case .other: Self.remedy(ofCode: code)
        }
    }

    private static func kind(ofCode code: Int32) -> Kind {
        switch code {
        case MDB_MAP_FULL: .mapFull
        case ENOSPC, EDQUOT, EIO: .diskFull
        case MDB_READERS_FULL: .readersFull
        case MDB_TXN_FULL: .transactionFull
        case MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID: .corrupted
        case MDB_VERSION_MISMATCH: .versionMismatch
        case MDB_BAD_VALSIZE: .badSize
        case TransactionGate.closedCode: .closed
        default: .other
        }
    }

    private static func remedy(ofCode code: Int32) -> String {
        switch code {
        case ENOENT: "Check that the directory exists."
        case EACCES, EPERM, EROFS: "Check the owner and mode of the directory, and that the environment was not opened read-only."
        case ENOMEM: "The address space or memory is used up: check ulimit -v and the map sizes of all shards."
        case EDEADLK: "A write transaction is already open on this thread: transactions do not nest."
        case MDB_DBS_FULL: "Raise maxTables."
        case MDB_PANIC: "A commit could not update the meta page: close the environment and open it again."
        case MDB_BAD_TXN: "An earlier operation of the transaction failed: let its error leave the body instead of committing."
        default: "See lmdb.h for the code."
        }
    }
}
