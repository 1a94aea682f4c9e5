internal import Foundation
internal import Glibc

/// Why the audit log cannot be begun or written.
public struct AuditError: Error, CustomStringConvertible {
    public let description: String
}

/// The files of an audit log: one that grows, and those put aside before it, `audit.000000000001.ndjson` by the number of their first record.
///
/// Bytes are only ever appended. What a write did not take is written with the next one, from where it stopped.
final class AuditFile {
    private let path: String
    private let maxBytes: Int
    private var descriptor: Int32 = -1
    private var lock: Int32 = -1
    private var inode: UInt64 = 0
    private var size = 0
    /// Lines, or the rest of one, that are not in the file yet.
    private var unwritten: [UInt8] = []
    /// The record that the file begins with; 0: it is empty.
    private var first: Int64 = 0
    private(set) var head = AuditHead.none
    /// A file was put aside since this was last asked.
    private(set) var setAside: [String] = []

    /// Opens the file and finds where its chain ends.
    ///
    /// - Returns: how many bytes of a torn record, left by a crash, were taken off its end.
    init(_ path: String, maxBytes: Int) throws(AuditError) {
        self.path = path
        self.maxBytes = maxBytes
        lock = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard lock >= 0 else { throw Self.failure("cannot open \(path).lock") }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            Glibc.close(lock)
            lock = -1
            throw AuditError(description: "the audit log \(path) is written by another process; give each its own file")
        }
        try openFile()
    }

    deinit { close() }

    /// Gives the file to whoever opens it next. Nothing is written afterwards.
    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
        guard lock >= 0 else { return }
        // A process that is being started has a copy of the descriptor until it becomes another program: closing ours would leave the lock to it.
        _ = flock(lock, LOCK_UN)
        Glibc.close(lock)
        lock = -1
    }

    private(set) var tornBytes = 0

    private func openFile() throws(AuditError) {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw Self.failure("cannot open the audit log \(path)") }
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { throw Self.failure("cannot read the audit log \(path)") }
        inode = UInt64(information.st_ino)
        size = Int(information.st_size)
        first = 0
    }

    /// Reads where the chain ends, in this file or the newest that was put aside.
    func resume() throws(AuditError) {
        if let last = try lastRecord(of: path, mayBeTorn: true) {
            head = last
            first = try Self.firstNumber(of: path) ?? 0
        } else if let newest = try Self.aside(path).last, let last = try lastRecord(of: newest, mayBeTorn: false) {
            head = last
        }
    }

    /// Files put aside, oldest first.
    static func aside(_ path: String) throws(AuditError) -> [String] {
        let url = URL(filePath: path)
        let folder = url.deletingLastPathComponent()
        let (stem, suffix) = names(path)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { name in
            guard name.hasPrefix(stem + "."), name.hasSuffix(suffix) else { return false }
            let middle = name.dropFirst(stem.count + 1).dropLast(suffix.count)
            return middle.count == 12 && middle.allSatisfy(\.isNumber)
        }.sorted().map { folder.appending(path: $0).path }
    }

    /// `audit.ndjson` is `audit` and `.ndjson`.
    private static func names(_ path: String) -> (stem: String, suffix: String) {
        let name = URL(filePath: path).lastPathComponent
        guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return (name, "") }
        return (String(name[..<dot]), String(name[dot...]))
    }

    private func lastRecord(of file: String, mayBeTorn: Bool) throws(AuditError) -> AuditHead? {
        let handle = open(file, O_RDONLY | O_CLOEXEC)
        guard handle >= 0 else { throw Self.failure("cannot read \(file)") }
        defer { Glibc.close(handle) }
        var information = stat()
        guard fstat(handle, &information) == 0 else { throw Self.failure("cannot read \(file)") }
        // A record has a few hundred bytes; with all keys some 50 KiB.
        let start = max(0, Int(information.st_size) - (1 << 17))
        var bytes = [UInt8](repeating: 0, count: Int(information.st_size) - start)
        guard pread(handle, &bytes, bytes.count, off_t(start)) == bytes.count else { throw Self.failure("cannot read \(file)") }
        let end = bytes.lastIndex(of: 10).map { $0 + 1 } ?? 0
        if end < bytes.count, mayBeTorn {
            // The process ended in the middle of a record, which nobody was told is written.
            guard end > 0 || start == 0, ftruncate(descriptor, off_t(start + end)) == 0 else { throw Self.failure("cannot take a torn record off the end of \(file)") }
            tornBytes = bytes.count - end
            size = start + end
        }
        guard end > 0 else { return nil }
        let begin = bytes[..<(end - 1)].lastIndex(of: 10).map { $0 + 1 } ?? 0
        guard let line = AuditLine(bytes[begin..<(end - 1)]) else {
            throw AuditError(description: "the last line of \(file) is no record of an audit log; move the file away, and the log goes on in a new one")
        }
        return AuditHead(number: line.number, hash: line.hash)
    }

    private static func firstNumber(of file: String) throws(AuditError) -> Int64? {
        guard let handle = FileHandle(forReadingAtPath: file), let bytes = try? handle.read(upToCount: 64) else { throw failure("cannot read \(file)") }
        return AuditLine.number(bytes)
    }

    /// Puts records behind the newest, without writing yet.
    ///
    /// - Returns: their lines.
    func append(_ records: [AuditRecord], hasKeys: Bool) -> [[UInt8]] {
        records.map { record in
            let line = record.line(number: head.number + 1, after: head.hash, hasKeys: hasKeys)
            head = AuditHead(number: head.number + 1, hash: line.hash)
            unwritten += line.bytes
            return line.bytes
        }
    }

    /// Brings everything to the disk.
    func write() throws(AuditError) {
        try followRenames()
        while !unwritten.isEmpty {
            // A file ends with a whole line.
            if size >= maxBytes, AuditLine.begins(unwritten) { try putAside() }
            let end = size >= maxBytes ? unwritten.firstIndex(of: 10).map { $0 + 1 } ?? unwritten.count : lineEnd(within: maxBytes - size)
            let count = unwritten.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress!, end) }
            if count < 0 {
                if errno == EINTR { continue }
                throw Self.failure("cannot write the audit log \(path)")
            }
            if first == 0 { first = AuditLine.number(unwritten) ?? 0 }
            size += count
            unwritten.removeFirst(count)
        }
        guard fdatasync(descriptor) == 0 else { throw Self.failure("cannot sync the audit log \(path)") }
    }

    /// Whole lines of about so many bytes, one at least.
    private func lineEnd(within count: Int) -> Int {
        guard count < unwritten.count else { return unwritten.count }
        return unwritten[count...].firstIndex(of: 10).map { $0 + 1 } ?? unwritten.count
    }

    private func putAside() throws(AuditError) {
        let (stem, suffix) = Self.names(path)
        let digits = String(first)
        let name = "\(stem).\(String(repeating: "0", count: max(0, 12 - digits.count)))\(digits)\(suffix)"
        let target = URL(filePath: path).deletingLastPathComponent().appending(path: name).path
        // Not `rename`: a file that is there already stays.
        guard fdatasync(descriptor) == 0, link(path, target) == 0, unlink(path) == 0 else {
            throw Self.failure("cannot put \(path) aside as \(target)")
        }
        setAside.append(target)
        try openFile()
    }

    /// Somebody may have moved the file away: then a new one begins, and the chain goes on in it.
    private func followRenames() throws(AuditError) {
        var information = stat()
        if stat(path, &information) == 0, UInt64(information.st_ino) == inode { return }
        // The rest of a line belongs where its beginning is.
        if !unwritten.isEmpty, !AuditLine.begins(unwritten) { return }
        try openFile()
    }

    func takeSetAside() -> [String] {
        defer { setAside = [] }
        return setAside
    }

    private static func failure(_ what: String) -> AuditError { AuditError(description: "\(what): \(String(cString: strerror(errno)))") }
}
