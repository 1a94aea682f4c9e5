internal import CZstd

/// libzstd's streaming decompression.
public final class ZstdDecompressor: Decompressor {
    private let stream: OpaquePointer
    /// What `ZSTD_decompressStream` answered last: 0 at the end of a frame.
    private var isBetweenFrames = true

    public init() {
        guard let stream = ZSTD_createDStream() else { fatalError("zstd: out of memory") }
        self.stream = stream
    }

    deinit { ZSTD_freeDStream(stream) }

    public var isComplete: Bool { isBetweenFrames }

    public func step(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> (consumed: Int, produced: Int) {
        if input.isEmpty, isBetweenFrames { return (0, 0) }
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let code = ZSTD_decompressStream(stream, &target, &source)
        guard ZSTD_isError(code) == 0 else {
            throw CompressionError("the zstd data is damaged (\(String(cString: ZSTD_getErrorName(code))))")
        }
        isBetweenFrames = code == 0
        return (source.pos, target.pos)
    }
}
