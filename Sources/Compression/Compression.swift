/// How a file is compressed, told by its first bytes.
public enum Compression: Sendable, Equatable {
    case none
    case gzip
    case zstd

    /// Bytes that `detect` needs.
    public static var magicBytes: Int { 4 }

    public static func detect(_ firstBytes: UnsafeRawBufferPointer) -> Compression {
        if firstBytes.count >= 2, firstBytes[0] == 0x1f, firstBytes[1] == 0x8b { return .gzip }
        guard firstBytes.count >= 4 else { return .none }
        let word = UInt32(littleEndian: firstBytes.loadUnaligned(as: UInt32.self))
        // A skippable frame may come before the first real one (RFC 8878, section 3.1.2).
        return word == 0xfd2f_b528 || word & 0xffff_fff0 == 0x184d_2a50 ? .zstd : .none
    }
}

/// Compressed bytes that are damaged, in the library's words.
public struct CompressionError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

/// Decompresses a stream of any length, step by step. Files that are several compressed ones in a row, as `cat a.gz b.gz` makes, are read
/// to the end.
///
/// One owner at a time.
public protocol Decompressor: AnyObject {
    /// Takes bytes from `input` and puts bytes into `output`, as many as go.
    func step(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> (consumed: Int, produced: Int)
    /// Whether the input may end here: no frame is open.
    var isComplete: Bool { get }
}

extension Compression {
    /// Nil for `none`.
    public func decompressor() -> (any Decompressor)? {
        switch self {
        case .none: nil
        case .gzip: Inflater(format: .gzip)
        case .zstd: ZstdDecompressor()
        }
    }
}
