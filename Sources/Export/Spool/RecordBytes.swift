/// Bytes that grow and are reused: where records are put together before they go to a spool or a file.
struct RecordWriter: ~Copyable {
    private(set) var base: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 1024) {
        self.capacity = capacity
        base = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    mutating func removeAll() { count = 0 }

    @inline(__always)
    private mutating func extend(_ byteCount: Int) -> UnsafeMutableRawPointer {
        if count + byteCount > capacity {
            capacity = Swift.max(capacity * 2, count + byteCount)
            let grown = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
            grown.copyMemory(from: base, byteCount: count)
            base.deallocate()
            base = grown
        }
        defer { count += byteCount }
        return base + count
    }

    @inline(__always)
    mutating func append<T: BitwiseCopyable>(_ value: T) {
        extend(MemoryLayout<T>.size).storeBytes(of: value, as: T.self)
    }

    @inline(__always)
    mutating func append(_ source: UnsafeRawBufferPointer) {
        guard let start = source.baseAddress, source.count > 0 else { return }
        extend(source.count).copyMemory(from: start, byteCount: source.count)
    }

    mutating func append(_ source: [UInt8]) { source.withUnsafeBytes { append($0) } }

    /// A length in 32 bits, then the bytes.
    @inline(__always)
    mutating func appendCounted(_ source: UnsafeRawBufferPointer) {
        append(UInt32(truncatingIfNeeded: source.count))
        append(source)
    }

    mutating func appendCounted(_ text: String) {
        var text = text
        text.withUTF8 { appendCounted(UnsafeRawBufferPointer($0)) }
    }

    @inline(__always)
    func store<T: BitwiseCopyable>(_ value: T, at offset: Int) { base.storeBytes(of: value, toByteOffset: offset, as: T.self) }
}

/// Reads back what a `RecordWriter` of this program wrote.
struct RecordReader {
    private(set) var at: UnsafeRawPointer

    init(_ start: UnsafeRawPointer) { at = start }

    @inline(__always)
    mutating func read<T: BitwiseCopyable>(_: T.Type = T.self) -> T {
        defer { at += MemoryLayout<T>.size }
        return at.loadUnaligned(as: T.self)
    }

    @inline(__always)
    mutating func bytes(_ count: Int) -> UnsafeRawBufferPointer {
        defer { at += count }
        return UnsafeRawBufferPointer(start: at, count: count)
    }

    @inline(__always)
    mutating func counted() -> UnsafeRawBufferPointer { bytes(Int(read(UInt32.self))) }

    mutating func text() -> String { String(decoding: counted(), as: UTF8.self) }
}

extension [UInt8] {
    /// `withUnsafeBytes`, for bodies with a type of error.
    @inline(__always)
    func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try withUnsafeBufferPointer { buffer throws(E) in try body(UnsafeRawBufferPointer(buffer)) }
    }
}
