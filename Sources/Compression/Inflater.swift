internal import CZlib

/// zlib's inflate, for gzip files and for the raw deflate of Avro blocks.
public final class Inflater: Decompressor {
    public enum Format: Sendable { case gzip, raw }

    private let stream: UnsafeMutablePointer<z_stream>
    private let format: Format
    /// Nothing of the present member was read yet.
    private var isBetweenMembers = true

    public init(format: Format) {
        self.format = format
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15: the largest window; 16 more: gzip's header and checksum; negative: neither (zlib.h, inflateInit2).
        let code = inflateInit2_(stream, format == .gzip ? 15 + 16 : -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(code == Z_OK, "zlib cannot start: \(code)")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    public var isComplete: Bool { isBetweenMembers }

    public func reset() {
        inflateReset(stream)
        isBetweenMembers = true
    }

    public func step(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> (consumed: Int, produced: Int) {
        var input = input
        var skipped = 0
        if isBetweenMembers, format == .gzip {
            // Tapes and some tools pad with zeros behind a member.
            while let first = input.first, first == 0 {
                input = UnsafeRawBufferPointer(rebasing: input.dropFirst())
                skipped += 1
            }
        }
        if input.isEmpty, isBetweenMembers { return (skipped, 0) }
        isBetweenMembers = false
        let available = UInt32(clamping: input.count), room = UInt32(clamping: output.count)
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
        stream.pointee.avail_in = available
        stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
        stream.pointee.avail_out = room
        let code = inflate(stream, Z_NO_FLUSH)
        switch code {
        case Z_STREAM_END: reset()
        // Z_BUF_ERROR: nothing could be done for want of input or room, which the next step brings.
        case Z_OK, Z_BUF_ERROR: break
        default:
            let text = stream.pointee.msg.map { String(cString: $0) } ?? "zlib says \(code)"
            throw CompressionError("the \(format == .gzip ? "gzip" : "deflate") data is damaged (\(text))")
        }
        return (skipped + Int(available - stream.pointee.avail_in), Int(room - stream.pointee.avail_out))
    }

    /// CRC-32 as gzip has it, of all bytes.
    public static func crc32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        UInt32(truncatingIfNeeded: CZlib.crc32_z(0, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count))
    }
}
