internal import CZstd

/// libzstd's compression of blocks that are whole in memory, each a frame of its own.
///
/// One owner at a time.
public final class ZstdCompressor {
    private let context: OpaquePointer
    private let level: Int32

    /// Level 1 is the fastest that is worth its time; each further one takes more time for less gain.
    public init(level: Int = 1) {
        guard let context = ZSTD_createCCtx() else { fatalError("zstd: out of memory") }
        self.context = context
        self.level = Int32(clamping: level)
    }

    deinit { ZSTD_freeCCtx(context) }

    /// Room into which any block of so many bytes fits.
    public static func bound(_ bytes: Int) -> Int { ZSTD_compressBound(bytes) }

    /// How many bytes of `output` the block takes; nil: it does not fit, which `bound` rules out.
    public func compress(_ block: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int? {
        let count = ZSTD_compressCCtx(context, output.baseAddress, output.count, block.baseAddress, block.count, level)
        return ZSTD_isError(count) == 0 ? count : nil
    }
}
