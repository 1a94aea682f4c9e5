internal import Compression
internal import Glibc

/// The decompressed bytes of one file, in order.
///
/// One thread uses it.
final class LogInput {
    let path: String
    private let file: Int32
    private let decompressor: (any Decompressor)?
    private let compression: Compression
    /// Read and not yet taken: compressed bytes, or the first ones that told so.
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    private var start = 0
    private var end = 0
    private var isAtEnd = false
    /// Bytes read from the file so far.
    private(set) var bytesRead: Int64 = 0
    /// Decompressed bytes given so far.
    private(set) var offset: Int64 = 0

    init(path: String) throws(LogError) {
        self.path = path
        file = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            buffer.deallocate()
            throw LogError(path: path, "cannot be opened: \(String(cString: strerror(errno)))")
        }
        posix_fadvise(file, 0, 0, Int32(POSIX_FADV_SEQUENTIAL))
        do throws(LogError) {
            while end < Compression.magicBytes {
                let count = try Self.read(file, path, UnsafeMutableRawBufferPointer(rebasing: buffer[end...]))
                if count == 0 { break }
                end += count
                bytesRead += Int64(count)
            }
        } catch {
            close(file)
            buffer.deallocate()
            throw error
        }
        compression = Compression.detect(UnsafeRawBufferPointer(rebasing: buffer[..<end]))
        decompressor = compression.decompressor()
    }

    deinit {
        close(file)
        buffer.deallocate()
    }

    /// Fills `output` as far as the file goes. Fewer bytes than asked for: it ends there.
    func read(into output: UnsafeMutableRawBufferPointer) throws(LogError) -> Int {
        var filled = 0
        while filled < output.count {
            let room = UnsafeMutableRawBufferPointer(rebasing: output[filled...])
            let count = try decompressor == nil ? plain(room) : decompressed(room)
            if count == 0 { break }
            filled += count
        }
        offset += Int64(filled)
        return filled
    }

    /// Moves on to an offset that was not reached yet.
    func skip(to target: Int64) throws(LogError) {
        if decompressor == nil, path != "-", target > offset + Int64(end - start) {
            start = end
            if lseek(file, off_t(target), SEEK_SET) == off_t(target) {
                bytesRead = target
                offset = target
                return
            }
        }
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { scratch.deallocate() }
        while offset < target {
            let want = Int(min(Int64(scratch.count), target - offset))
            guard try read(into: UnsafeMutableRawBufferPointer(rebasing: scratch[..<want])) == want else {
                throw LogError(
                    path: path, offset: offset, "the file ends before byte \(target), where reading should go on",
                    remedy: "it is not the file that was read before")
            }
        }
    }

    private func plain(_ output: UnsafeMutableRawBufferPointer) throws(LogError) -> Int {
        if start < end {
            let count = min(end - start, output.count)
            output.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<start + count]))
            start += count
            return count
        }
        let count = try Self.read(file, path, output)
        bytesRead += Int64(count)
        return count
    }

    private func decompressed(_ output: UnsafeMutableRawBufferPointer) throws(LogError) -> Int {
        while true {
            let step: (consumed: Int, produced: Int)
            do {
                step = try decompressor!.step(UnsafeRawBufferPointer(rebasing: buffer[start..<end]), into: output)
            } catch {
                throw LogError(
                    path: path, offset: offset, "\(error), behind byte \(bytesRead - Int64(end - start)) of the file",
                    remedy: "copy the file again from where it comes from")
            }
            start += step.consumed
            if step.produced > 0 { return step.produced }
            if start < end, step.consumed > 0 { continue }
            if start < end, isAtEnd { break }
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<end]))
            (start, end) = (0, end - start)
            let count = try Self.read(file, path, UnsafeMutableRawBufferPointer(rebasing: buffer[end...]))
            if count == 0 {
                isAtEnd = true
                if start == end { break }
            }
            end += count
            bytesRead += Int64(count)
        }
        guard decompressor!.isComplete, start == end else {
            throw LogError(
                path: path, offset: offset, "the \(compression) data ends in the middle: the file is cut off at byte \(bytesRead)",
                remedy: "copy the file again from where it comes from")
        }
        return 0
    }

    private static func read(
        _ file: Int32, _ path: String, _ output: UnsafeMutableRawBufferPointer
    ) throws(LogError) -> Int {
        while true {
            let count = Glibc.read(file, output.baseAddress, output.count)
            if count >= 0 { return count }
            if errno != EINTR { throw LogError(path: path, "cannot be read: \(String(cString: strerror(errno)))") }
        }
    }
}
