/// A byte buffer that is reused from row to row: it grows to the largest row seen and then allocates no more.
struct GrowableBytes: ~Copyable {
    private(set) var base: UnsafeMutableRawPointer
    private(set) var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 256) {
        self.capacity = capacity
        base = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    mutating func removeAll() { count = 0 }

    mutating func reserve(_ needed: Int) {
        guard needed > capacity else { return }
        capacity = Swift.max(needed, capacity * 2)
        let grown = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        grown.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = grown
    }

    /// `byteCount` bytes at the end, not initialised.
    @inline(__always)
    mutating func extend(_ byteCount: Int) -> UnsafeMutableRawPointer {
        reserve(count + byteCount)
        defer { count += byteCount }
        return base + count
    }

    /// The source must not lie in this buffer.
    @inline(__always)
    mutating func append(_ source: UnsafeRawPointer, _ byteCount: Int) {
        extend(byteCount).copyMemory(from: source, byteCount: byteCount)
    }

    @inline(__always)
    mutating func append(_ source: UnsafeRawBufferPointer) {
        if let start = source.baseAddress { append(start, source.count) }
    }

    @inline(__always)
    mutating func append<T: BitwiseCopyable>(_ value: T) {
        extend(MemoryLayout<T>.size).storeBytes(of: value, as: T.self)
    }

    mutating func replaceAll(with source: UnsafeRawBufferPointer) {
        count = 0
        append(source)
    }

    /// Opens a gap of `byteCount` bytes at `offset`, not initialised.
    mutating func openGap(at offset: Int, byteCount: Int) {
        reserve(count + byteCount)
        memmove(base + offset + byteCount, base + offset, count - offset)
        count += byteCount
    }

    mutating func closeGap(at offset: Int, byteCount: Int) {
        memmove(base + offset, base + offset + byteCount, count - offset - byteCount)
        count -= byteCount
    }

    mutating func truncate(to newCount: Int) { count = newCount }

    @inline(__always)
    func load<T: BitwiseCopyable>(at offset: Int, as: T.Type = T.self) -> T {
        base.loadUnaligned(fromByteOffset: offset, as: T.self)
    }

    @inline(__always)
    func store<T: BitwiseCopyable>(_ value: T, at offset: Int) {
        base.storeBytes(of: value, toByteOffset: offset, as: T.self)
    }
}

@inline(__always)
private func memmove(_ to: UnsafeMutableRawPointer, _ from: UnsafeMutableRawPointer, _ byteCount: Int) {
    to.copyMemory(from: from, byteCount: byteCount)  // documented to allow overlap
}

#if _endian(big)
#error("rows are little-endian and read in place")
#endif
