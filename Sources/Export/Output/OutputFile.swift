internal import Glibc

/// A file that is written under another name and takes its own when it is complete: an export that fails leaves nothing that looks like one.
final class OutputFile {
    let path: String
    private let temporaryPath: String
    private let descriptor: Int32
    private var room: [UInt8] = []
    private var isFinished = false
    private(set) var byteCount = 0

    /// `-` is standard output.
    init(path: String) throws(ExportError) {
        self.path = path
        temporaryPath = path == "-" ? "-" : "\(path).partial"
        descriptor = path == "-" ? dup(STDOUT_FILENO) : open(temporaryPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw ExportError("cannot write \(temporaryPath): \(systemError())", remedy: "check that the directory exists and is yours")
        }
        room.reserveCapacity(1 << 18)
    }

    deinit {
        close(descriptor)
        if !isFinished, temporaryPath != "-" { unlink(temporaryPath) }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(ExportError) {
        byteCount += bytes.count
        room.append(contentsOf: bytes)
        if room.count >= 1 << 18 { try flush() }
    }

    func write(_ bytes: [UInt8]) throws(ExportError) {
        byteCount += bytes.count
        room.append(contentsOf: bytes)
        if room.count >= 1 << 18 { try flush() }
    }

    func write<T: BitwiseCopyable>(_ value: T) throws(ExportError) {
        byteCount += MemoryLayout<T>.size
        withUnsafeBytes(of: value) { room.append(contentsOf: $0) }
        if room.count >= 1 << 18 { try flush() }
    }

    private func flush() throws(ExportError) {
        try room.withBytes { bytes throws(ExportError) in try writeAll(descriptor, bytes, path: path) }
        room.removeAll(keepingCapacity: true)
    }

    /// Overwrites what was written at `offset`.
    func patch(_ bytes: [UInt8], at offset: Int) throws(ExportError) {
        try flush()
        try bytes.withBytes { bytes throws(ExportError) in try writeAll(descriptor, bytes, at: offset, path: path) }
    }

    func finish() throws(ExportError) {
        try flush()
        if temporaryPath != "-" {
            guard fsync(descriptor) == 0, rename(temporaryPath, path) == 0 else {
                throw ExportError("cannot finish \(path): \(systemError())", remedy: "check the disk")
            }
        }
        isFinished = true
    }
}

func makeDirectory(_ path: String) throws(ExportError) {
    if mkdir(path, 0o755) != 0, errno != EEXIST {
        throw ExportError("cannot make the directory \(path): \(systemError())", remedy: "check that its parent exists and is yours")
    }
}
