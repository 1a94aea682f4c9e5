/// Whole records of one file, as they came from it, on their way to a thread that decodes them.
struct LogBlock: @unchecked Sendable {
    /// What of a file its decoding depends on.
    let source: LogSource
    /// Owned by whoever has the block; `count` bytes are in use.
    var memory: LogMemory
    var count: Int
    /// Of the first byte, in the decompressed file.
    var offset: Int64
    /// Avro: the container's blocks in it.
    var parts: [AvroContainer.Part] = []
    /// Bytes of all files read so far, as they lie on the disk.
    var bytesRead: Int64 = 0
}

/// What is known of a file once its beginning was read. The same for all its blocks.
final class LogSource: Sendable {
    let index: Int
    let path: String
    let format: LogFormat
    /// Of records that name no topic; nil: the envelopes do.
    let stream: Int?
    let isEnvelope: Bool
    /// CSV: the names of the columns.
    let columns: [String]
    /// Lines before the first record.
    let headerLines: Int64
    /// Avro.
    let container: AvroContainer.Header?

    init(
        index: Int, path: String, format: LogFormat, stream: Int?, isEnvelope: Bool = false, columns: [String] = [],
        headerLines: Int64 = 0, container: AvroContainer.Header? = nil
    ) {
        self.index = index
        self.path = path
        self.format = format
        self.stream = stream
        self.isEnvelope = isEnvelope
        self.columns = columns
        self.headerLines = headerLines
        self.container = container
    }
}

/// The memory of a block and of what is decoded of it. Used again and again, by way of `LogMemoryPool`.
final class LogMemory {
    private(set) var bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int) { bytes = .allocate(byteCount: byteCount, alignment: 16) }
    deinit { bytes.deallocate() }

    /// Keeps the first `kept` bytes.
    func grow(to byteCount: Int, keeping kept: Int) {
        guard byteCount > bytes.count else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<kept]))
        bytes.deallocate()
        bytes = larger
    }
}
