internal import Glibc

/// The file `checkpoint` beside a data file that is written without syncing: what LMDB's two meta pages said when everything that they lead to was
/// on the disk. Written back, they make the data file what it was then (`Checkpointer` keeps the pages that they lead to).
///
///     two slots of 4,096 bytes, written in turn, so that one is always whole
///       0  "MILLCKPT"            96  zeros
///       8  FNV-1a of 16..<1536   512  the first 512 bytes of meta page 0: all that LMDB ever changes of it
///      16  sequence UInt64      1024  of meta page 1
///      24  bytes of a page      1536  zeros
///      32  boot id
///
/// All integers are little-endian. The newest slot that is whole counts. Whoever has the environment open holds a shared `flock` on the file.
final class CheckpointFile: Sendable {
    static let name = "checkpoint"
    private static let slotBytes = 4096, filledBytes = 1536, headBytes = 512

    /// What a slot says.
    struct Slot: Equatable {
        var sequence: UInt64
        var pageBytes: Int
        /// Which boot of the system it was written under; empty: nobody can tell, or it must not be trusted.
        var boot: String
        var heads: Heads
    }

    /// The beginnings of the two meta pages.
    struct Heads: Equatable {
        var first: [UInt8]
        var second: [UInt8]

        /// mdb.c, MDB_meta behind a page header of 16 bytes.
        private func number(at offset: Int, of head: [UInt8]) -> UInt64 { head.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) } }
        private var newest: [UInt8] { number(at: 144, of: second) > number(at: 144, of: first) ? second : first }
        var transaction: UInt64 { number(at: 144, of: newest) }
        var pages: UInt64 { number(at: 136, of: newest) &+ 1 }
    }

    private let descriptor: Int32
    private let directory: String
    let boot: String
    /// Written only by whoever has the turn (`Checkpointer`).
    private nonisolated(unsafe) var sequence: UInt64

    private init(descriptor: Int32, directory: String, boot: String, sequence: UInt64) {
        (self.descriptor, self.directory, self.boot, self.sequence) = (descriptor, directory, boot, sequence)
    }

    deinit { close(descriptor) }

    // MARK: Finding it

    /// Opens the file of a directory, if there is one, and makes the data file what it was at the checkpoint if the system went down since. Call it before LMDB opens
    /// the data file. After a crash of the *process* the kernel still has every page, and nothing is undone.
    ///
    /// - Throws: `.corrupted` when it is not of this data file; the system's refusal, also when going back is not allowed to who only reads.
    static func find(in directory: String, boot: String) throws(LMDBError) -> CheckpointFile? {
        let path = directory + "/" + name
        var descriptor = open(path, O_RDWR | O_CLOEXEC)
        let canWrite = descriptor >= 0
        if !canWrite, errno == EACCES || errno == EROFS { descriptor = open(path, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw LMDBError(code: errno, "opening the checkpoint", path: directory)
        }
        let file = CheckpointFile(descriptor: descriptor, directory: directory, boot: boot, sequence: 0)
        // Others who have it open have seen to it; that they do shows that the system has not gone down since.
        let isAlone = flock(descriptor, LOCK_EX | LOCK_NB) == 0
        let slot = file.newestSlot()
        file.sequence = slot?.sequence ?? 0
        if isAlone { try file.goBack(to: slot, canWrite: canWrite) }
        guard flock(descriptor, LOCK_SH) == 0 else { throw LMDBError(code: errno, "locking the checkpoint", path: directory) }
        return file
    }

    private func goBack(to slot: Slot?, canWrite: Bool) throws(LMDBError) {
        let data = open(directory + "/data.mdb", (canWrite ? O_RDWR : O_RDONLY) | O_CLOEXEC)
        guard data >= 0 else {
            if errno == ENOENT { return }
            throw failure("opening the data file")
        }
        defer { close(data) }
        guard let slot else { throw LMDBError(.corrupted, "reading the checkpoint", path: directory) }
        guard let now = Self.heads(of: data, pageBytes: slot.pageBytes), now != slot.heads else { return }
        if !boot.isEmpty, boot == slot.boot { return }
        var status = stat()
        guard fstat(data, &status) == 0 else { throw failure("looking at the data file") }
        guard now.transaction >= slot.heads.transaction, UInt64(status.st_size) >= slot.heads.pages * UInt64(slot.pageBytes) else {
            throw LMDBError(.corrupted, "going back to a checkpoint that is not of this data file", path: directory)
        }
        guard canWrite else { throw LMDBError(code: EACCES, "going back to the checkpoint after the system went down", path: directory) }
        guard Self.write(slot.heads.first, to: data, at: 0), Self.write(slot.heads.second, to: data, at: slot.pageBytes), fdatasync(data) == 0 else {
            throw failure("going back to the checkpoint")
        }
    }

    private func newestSlot() -> Slot? {
        let slots = (0..<2).compactMap { Self.slot(Self.read(descriptor, Self.slotBytes * $0, Self.filledBytes)) }
        return slots.max { $0.sequence < $1.sequence }
    }

    // MARK: Writing it

    /// Makes the file, in one step, with its first checkpoint.
    static func create(in directory: String, pageBytes: Int, heads: Heads, boot: String) throws(LMDBError) -> CheckpointFile {
        let path = directory + "/" + name
        let descriptor = open(path + ".new", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw LMDBError(code: errno, "making the checkpoint", path: directory) }
        let file = CheckpointFile(descriptor: descriptor, directory: directory, boot: boot, sequence: 0)
        guard flock(descriptor, LOCK_SH) == 0 else { throw file.failure("locking the checkpoint") }
        // Both, so that the file never grows again.
        for _ in 0..<2 { try file.write(heads, pageBytes: pageBytes) }
        guard rename(path + ".new", path) == 0 else { throw file.failure("renaming the checkpoint") }
        try file.syncDirectory()
        return file
    }

    /// Everything that these heads lead to is on the disk: from now on the data file goes back to them, and this is on the disk when it returns.
    func write(_ heads: Heads, pageBytes: Int) throws(LMDBError) {
        try write(Slot(sequence: sequence + 1, pageBytes: pageBytes, boot: boot, heads: heads))
    }

    /// The disk has refused pages, and the kernel has forgotten them: the next opening goes back, whenever it is.
    func distrust() {
        guard var slot = newestSlot() else { return }
        slot.sequence += 1
        slot.boot = ""
        try? write(slot)
    }

    /// The data file is on the disk as it is and says all by itself. Where the directory has another name by now, what has its old name is left alone.
    func remove() throws(LMDBError) {
        var own = stat(), there = stat()
        guard fstat(descriptor, &own) == 0, stat(directory + "/" + Self.name, &there) == 0, own.st_ino == there.st_ino, own.st_dev == there.st_dev else { return }
        if unlink(directory + "/" + Self.name) != 0, errno != ENOENT { throw failure("removing the checkpoint") }
        try syncDirectory()
    }

    private func write(_ slot: Slot) throws(LMDBError) {
        var bytes = [UInt8](repeating: 0, count: Self.slotBytes)
        bytes.withUnsafeMutableBytes { bytes in
            bytes.copyBytes(from: Self.magic)
            bytes.storeBytes(of: slot.sequence, toByteOffset: 16, as: UInt64.self)
            bytes.storeBytes(of: UInt64(slot.pageBytes), toByteOffset: 24, as: UInt64.self)
            UnsafeMutableRawBufferPointer(rebasing: bytes[32..<96]).copyBytes(from: slot.boot.utf8.prefix(64))
            UnsafeMutableRawBufferPointer(rebasing: bytes[512..<1024]).copyBytes(from: slot.heads.first)
            UnsafeMutableRawBufferPointer(rebasing: bytes[1024..<1536]).copyBytes(from: slot.heads.second)
            bytes.storeBytes(of: Self.hash(bytes), toByteOffset: 8, as: UInt64.self)
        }
        guard Self.write(bytes, to: descriptor, at: Int(slot.sequence % 2) * Self.slotBytes), fdatasync(descriptor) == 0 else {
            throw failure("writing the checkpoint")
        }
        sequence = slot.sequence
    }

    private func syncDirectory() throws(LMDBError) {
        let code = Environment.syncDirectory(directory)
        guard code == 0 else { throw LMDBError(code: code, "syncing the directory", path: directory) }
    }

    private func failure(_ what: String) -> LMDBError { LMDBError(code: errno, what, path: directory) }

    // MARK: Bytes

    private static let magic = Array("MILLCKPT".utf8)

    private static func slot(_ bytes: [UInt8]?) -> Slot? {
        guard let bytes, bytes.starts(with: magic) else { return nil }
        return bytes.withUnsafeBytes { bytes in
            guard bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self) == hash(bytes) else { return nil }
            let pageBytes = bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
            guard pageBytes >= headBytes, pageBytes <= 1 << 16 else { return nil }
            return Slot(
                sequence: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self), pageBytes: Int(pageBytes),
                boot: String(decoding: bytes[32..<96].prefix { $0 != 0 }, as: UTF8.self),
                heads: Heads(first: Array(bytes[512..<1024]), second: Array(bytes[1024..<1536])))
        }
    }

    private static func hash(_ bytes: some RandomAccessCollection<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes.dropFirst(16).prefix(filledBytes - 16) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash
    }

    /// Nil: the file has no two pages.
    static func heads(of data: Int32, pageBytes: Int) -> Heads? {
        guard let first = read(data, 0, headBytes), let second = read(data, pageBytes, headBytes) else { return nil }
        return Heads(first: first, second: second)
    }

    private static func read(_ file: Int32, _ at: Int, _ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return pread(file, &bytes, count, off_t(at)) == count ? bytes : nil
    }

    private static func write(_ bytes: [UInt8], to file: Int32, at: Int) -> Bool {
        let count = pwrite(file, bytes, bytes.count, off_t(at))
        if count >= 0, count < bytes.count { errno = ENOSPC }
        return count == bytes.count
    }
}
