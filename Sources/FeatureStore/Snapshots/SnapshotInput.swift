internal import Glibc

/// A file or a pipe that a snapshot is read from, in order.
final class SnapshotInput {
    let path: String
    private let file: Int32
    private let isOwned: Bool
    /// Bytes that were handed out.
    private(set) var offset = 0
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    private var filled = 0, used = 0

    init(path: String) throws(SnapshotError) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw .reading(path: path, code: errno) }
        self.path = path
        self.file = file
        isOwned = true
        posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL)
    }

    init(descriptor: Int32, name: String) {
        file = descriptor
        path = name
        isOwned = false
    }

    deinit {
        if isOwned { close(file) }
        buffer.deallocate()
    }

    /// Fills `target`; answers how many bytes there were, less than wanted only at the end.
    func read(_ target: UnsafeMutableRawBufferPointer) throws(SnapshotError) -> Int {
        var at = 0
        while at < target.count {
            if used == filled {
                filled = 0
                used = 0
                let count = Glibc.read(file, buffer.baseAddress!, buffer.count)
                if count < 0 {
                    if errno == EINTR { continue }
                    throw .reading(path: path, code: errno)
                }
                if count == 0 { break }
                filled = count
            }
            let count = Swift.min(filled - used, target.count - at)
            UnsafeMutableRawBufferPointer(rebasing: target[at..<at + count]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: buffer[used..<used + count]))
            used += count
            at += count
        }
        offset += at
        return at
    }
}
