/// Compressed blocks that are whole in memory, as Avro containers have them.
public enum BlockCodec: String, Sendable, CaseIterable {
    case null
    case deflate
    case snappy
    case zstandard
}

/// Decompresses one block after another into the same memory, which grows to the largest.
///
/// One owner at a time.
public final class BlockDecompressor {
    private let codec: BlockCodec
    private let inflater: Inflater?
    private let zstd: ZstdDecompressor?
    private var room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)

    public init(_ codec: BlockCodec) {
        self.codec = codec
        inflater = codec == .deflate ? Inflater(format: .raw) : nil
        zstd = codec == .zstandard ? ZstdDecompressor() : nil
    }

    deinit { room.deallocate() }

    /// The bytes that `block` stands for, at most `limit`; they hold until the next call.
    public func decompress(_ block: UnsafeRawBufferPointer, limit: Int) throws(CompressionError) -> UnsafeRawBufferPointer {
        switch codec {
        case .null: return block
        case .deflate:
            inflater!.reset()
            return try stream(block, through: inflater!, limit: limit)
        case .zstandard: return try stream(block, through: zstd!, limit: limit)
        case .snappy: return try snappy(block, limit: limit)
        }
    }

    private func stream(
        _ block: UnsafeRawBufferPointer, through decompressor: any Decompressor, limit: Int
    ) throws(CompressionError) -> UnsafeRawBufferPointer {
        var read = 0, written = 0
        while true {
            let output = UnsafeMutableRawBufferPointer(rebasing: room[written...])
            let step = try decompressor.step(UnsafeRawBufferPointer(rebasing: block[read...]), into: output)
            read += step.consumed
            written += step.produced
            // Behind the end of deflate data some writers leave a part of zlib's checksum, which no reader minds.
            if decompressor.isComplete, read == block.count || codec == .deflate { break }
            if written == room.count {
                guard written < limit else { throw Self.tooLarge(limit) }
                grow(to: written * 2)
            } else if read == block.count, step.produced == 0 {
                throw CompressionError("the block ends in the middle of its \(codec.rawValue) data")
            }
        }
        return UnsafeRawBufferPointer(rebasing: room[..<written])
    }

    /// Avro puts the CRC-32 of the uncompressed bytes behind the snappy data, big-endian.
    private func snappy(_ block: UnsafeRawBufferPointer, limit: Int) throws(CompressionError) -> UnsafeRawBufferPointer {
        guard block.count >= 5 else { throw CompressionError("the block is too short for snappy data and its checksum") }
        let data = UnsafeRawBufferPointer(rebasing: block[..<(block.count - 4)])
        guard let count = Snappy.uncompressedBytes(data) else { throw CompressionError("the snappy data is damaged (no length)") }
        guard count <= limit else { throw Self.tooLarge(limit) }
        if count > room.count { grow(to: count) }
        let output = UnsafeMutableRawBufferPointer(rebasing: room[..<count])
        guard Snappy.uncompress(data, into: output) else { throw CompressionError("the snappy data is damaged") }
        let wanted = UInt32(bigEndian: block.loadUnaligned(fromByteOffset: block.count - 4, as: UInt32.self))
        guard Inflater.crc32(UnsafeRawBufferPointer(output)) == wanted else {
            throw CompressionError("the checksum of the snappy data does not fit it")
        }
        return UnsafeRawBufferPointer(output)
    }

    private static func tooLarge(_ limit: Int) -> CompressionError {
        CompressionError("the block has more than \(limit) bytes when decompressed")
    }

    private func grow(to count: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(room))
        room.deallocate()
        room = larger
    }
}
