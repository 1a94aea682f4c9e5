internal import Glibc

/// A file, or standard input (`-`), a piece at a time.
final class InputFile {
    let path: String
    private let descriptor: Int32
    private let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    private var at = 0
    private var filled = 0
    /// Of all the file; nil for what is no regular file.
    let byteCount: Int?
    private(set) var bytesRead = 0

    init(path: String, what: String) throws(ExportError) {
        self.path = path == "-" ? "standard input" : path
        descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ExportError("cannot read \(what) \(path): \(systemError())", remedy: "check the path and its permissions")
        }
        var facts = stat()
        byteCount = fstat(descriptor, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG ? Int(facts.st_size) : nil
    }

    deinit {
        close(descriptor)
        room.deallocate()
    }

    /// The next byte; nil at the end.
    @inline(__always)
    func next() throws(ExportError) -> UInt8? {
        if at == filled, try !fill() { return nil }
        defer { at += 1 }
        return room[at]
    }

    /// Looks at the next byte without taking it.
    func peek() throws(ExportError) -> UInt8? {
        if at == filled, try !fill() { return nil }
        return room[at]
    }

    private func fill() throws(ExportError) -> Bool {
        while true {
            let count = read(descriptor, room.baseAddress!, room.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw ExportError("cannot read \(path): \(systemError())", remedy: "check the file")
            }
            at = 0
            filled = count
            bytesRead += count
            return count > 0
        }
    }
}
