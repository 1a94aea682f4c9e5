internal import Synchronization

/// Memory that is handed out piece by piece and given back all at once.
///
/// One thread allocates; what it got may be read by any.
struct Arena: ~Copyable {
    private let pool: ChunkPool
    private var chunks: [Chunk] = []
    /// Bytes handed out of the last chunk.
    private var used = 0
    /// Bytes of all chunks.
    private(set) var byteCount = 0

    init(_ pool: ChunkPool) { self.pool = pool }

    deinit { pool.giveBack(chunks) }

    /// Room for `count` bytes at a multiple of 8.
    @inline(__always)
    mutating func allocate(_ count: Int) -> UnsafeMutableRawPointer {
        let size = (count + 7) & ~7
        if let last = chunks.last, last.count - used >= size {
            defer { used += size }
            return last.start + used
        }
        return allocateChunk(size)
    }

    @inline(never)
    private mutating func allocateChunk(_ size: Int) -> UnsafeMutableRawPointer {
        let chunk = pool.take(atLeast: size)
        chunks.append(chunk)
        byteCount += chunk.count
        used = size
        return chunk.start
    }
}

/// Chunks of memory that arenas have done with: memory that was touched before costs no page fault.
final class ChunkPool: Sendable {
    static let chunkBytes = 256 << 10

    private let free = Mutex<[Chunk]>([])

    deinit { free.withLock { chunks in for chunk in chunks { chunk.deallocate() } } }

    func take(atLeast bytes: Int) -> Chunk {
        if bytes <= Self.chunkBytes, let chunk = free.withLock({ $0.popLast() }) { return chunk }
        return Chunk(max(bytes, Self.chunkBytes))
    }

    /// Keeps as many as these, which is what the next arena is likely to need, and frees the others.
    func giveBack(_ chunks: [Chunk]) {
        let surplus = free.withLock { free -> [Chunk] in
            var surplus: [Chunk] = []
            for chunk in chunks {
                if chunk.count == Self.chunkBytes { free.append(chunk) } else { surplus.append(chunk) }
            }
            while free.count > chunks.count { surplus.append(free.removeLast()) }
            return surplus
        }
        for chunk in surplus { chunk.deallocate() }
    }
}

struct Chunk: @unchecked Sendable {
    let start: UnsafeMutableRawPointer
    let count: Int

    init(_ count: Int) {
        start = .allocate(byteCount: count, alignment: 64)
        self.count = count
    }

    func deallocate() { start.deallocate() }
}
