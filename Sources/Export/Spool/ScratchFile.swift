internal import Glibc

/// A file without a name: nothing is left of it however the process ends.
final class ScratchFile: @unchecked Sendable {
    // Unchecked: one thread appends, and reading begins when it is done.
    private let descriptor: Int32
    private let directory: String
    private(set) var byteCount = 0

    init(in directory: String) throws(ExportError) {
        self.directory = directory
        var template = Array("\(directory)/millrace-export-XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        guard descriptor >= 0 else {
            throw ExportError(
                "cannot make a temporary file in \(directory): \(systemError())",
                remedy: "name a directory on a disk with room: --temporary DIRECTORY")
        }
        _ = unlink(template)
    }

    deinit { close(descriptor) }

    func append(_ bytes: UnsafeRawBufferPointer) throws(ExportError) {
        try writeAll(descriptor, bytes, at: byteCount, path: "a temporary file in \(directory)")
        byteCount += bytes.count
    }

    /// Fills `room` from `offset` on, as far as the file goes; returns how many bytes.
    func read(at offset: Int, into room: UnsafeMutableRawBufferPointer) throws(ExportError) -> Int {
        var done = 0
        while done < room.count {
            let count = pread(descriptor, room.baseAddress! + done, room.count - done, off_t(offset + done))
            if count < 0 {
                if errno == EINTR { continue }
                throw ExportError("cannot read a temporary file in \(directory): \(systemError())", remedy: "check the disk")
            }
            if count == 0 { break }
            done += count
        }
        return done
    }
}

func systemError() -> String { String(cString: strerror(errno)) }

/// Writes at `offset`, or where the file stands when it is nil.
func writeAll(
    _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int? = nil, path: @autoclosure () -> String
) throws(ExportError) {
    var done = 0
    while done < bytes.count {
        let start = bytes.baseAddress! + done
        let count =
            if let offset { pwrite(descriptor, start, bytes.count - done, off_t(offset + done)) }
            else { write(descriptor, start, bytes.count - done) }
        if count < 0 {
            if errno == EINTR { continue }
            let isFull = errno == ENOSPC
            throw ExportError(
                "cannot write \(path()): \(systemError())", remedy: isFull ? "free some space, or write to another disk" : "check the path and its owner")
        }
        done += count
    }
}
