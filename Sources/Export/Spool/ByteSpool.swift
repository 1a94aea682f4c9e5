/// Records, sorted into buckets by a hash of their key: in memory up to a budget, beyond it in one scratch file per bucket.
///
/// A record begins with its length in 32 bits, itself included. Within a bucket records stay in the order in which they came. One thread
/// appends; afterwards each bucket is taken once, by any thread.
final class ByteSpool: @unchecked Sendable {
    private struct Bucket {
        var base: UnsafeMutableRawPointer?
        var count = 0
        var capacity = 0
        var file: ScratchFile?
    }

    let bucketCount: Int
    private let budget: Int
    private let directory: String
    private let buckets: UnsafeMutablePointer<Bucket>
    private var allocated = 0
    private(set) var spilledBytes = 0

    init(bucketCount: Int, memoryBytes: Int, directory: String) {
        self.bucketCount = bucketCount
        self.directory = directory
        budget = memoryBytes
        buckets = .allocate(capacity: bucketCount)
        buckets.initialize(repeating: Bucket(), count: bucketCount)
    }

    deinit {
        for i in 0..<bucketCount { buckets[i].base?.deallocate() }
        buckets.deinitialize(count: bucketCount)
        buckets.deallocate()
    }

    /// Which bucket a key's hash belongs to; `level` counts the splits that it has been through, each of which uses other bits.
    static func bucket(of hash: UInt64, level: Int, count: Int) -> Int {
        Int(truncatingIfNeeded: (hash >> UInt64(level * 8)) % UInt64(count))
    }

    @inline(__always)
    func append(_ record: UnsafeRawBufferPointer, to bucket: Int) throws(ExportError) {
        if buckets[bucket].count + record.count > buckets[bucket].capacity { try makeRoom(record.count, in: bucket) }
        (buckets[bucket].base! + buckets[bucket].count).copyMemory(from: record.baseAddress!, byteCount: record.count)
        buckets[bucket].count += record.count
    }

    private func makeRoom(_ byteCount: Int, in bucket: Int) throws(ExportError) {
        let needed = buckets[bucket].count + byteCount
        let capacity = Swift.max(needed, Swift.max(4096, buckets[bucket].capacity * 2))
        if allocated + capacity > budget, allocated > 0 {
            try spill()
            if byteCount <= buckets[bucket].capacity { return }
        }
        let grown = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        if let base = buckets[bucket].base {
            grown.copyMemory(from: base, byteCount: buckets[bucket].count)
            base.deallocate()
        }
        allocated += capacity - buckets[bucket].capacity
        buckets[bucket].base = grown
        buckets[bucket].capacity = capacity
    }

    /// Writes what is in memory to the files, and keeps the memory.
    private func spill() throws(ExportError) {
        for i in 0..<bucketCount where buckets[i].count > 0 {
            let file: ScratchFile
            if let open = buckets[i].file { file = open } else { file = try ScratchFile(in: directory) }
            buckets[i].file = file
            try file.append(UnsafeRawBufferPointer(start: buckets[i].base, count: buckets[i].count))
            spilledBytes += buckets[i].count
            buckets[i].count = 0
        }
    }

    func byteCount(of bucket: Int) -> Int { buckets[bucket].count + (buckets[bucket].file?.byteCount ?? 0) }

    /// All of a bucket, in one piece, for the caller to free; the spool forgets it.
    func take(_ bucket: Int) throws(ExportError) -> UnsafeMutableRawBufferPointer {
        let inFile = buckets[bucket].file?.byteCount ?? 0
        if inFile == 0, let base = buckets[bucket].base {
            let whole = UnsafeMutableRawBufferPointer(start: base, count: buckets[bucket].count)
            buckets[bucket].base = nil
            buckets[bucket].count = 0
            buckets[bucket].capacity = 0
            return whole
        }
        let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: Swift.max(1, byteCount(of: bucket)), alignment: 16)
        let filled = UnsafeMutableRawBufferPointer(start: whole.baseAddress, count: byteCount(of: bucket))
        do {
            if let file = buckets[bucket].file { _ = try file.read(at: 0, into: UnsafeMutableRawBufferPointer(rebasing: filled[..<inFile])) }
        } catch {
            whole.deallocate()
            throw error
        }
        if let base = buckets[bucket].base, buckets[bucket].count > 0 {
            (filled.baseAddress! + inFile).copyMemory(from: base, byteCount: buckets[bucket].count)
        }
        release(bucket)
        return filled
    }

    /// Calls `body` with each record of a bucket, in order, holding no more than a piece of it in memory; the spool forgets the bucket.
    func drain(_ bucket: Int, _ body: (UnsafeRawBufferPointer) throws(ExportError) -> Void) throws(ExportError) {
        if let file = buckets[bucket].file {
            var reader = ScratchFileReader(file, offset: 0, count: file.byteCount)
            while let record = try reader.next() { try body(record) }
        }
        var at = 0
        while at < buckets[bucket].count {
            let start = buckets[bucket].base! + at
            let length = Int(start.loadUnaligned(as: UInt32.self))
            try body(UnsafeRawBufferPointer(start: start, count: length))
            at += length
        }
        release(bucket)
    }

    private func release(_ bucket: Int) {
        buckets[bucket].base?.deallocate()
        buckets[bucket] = Bucket()
    }
}

/// Goes through the records of a part of a scratch file, a piece at a time.
struct ScratchFileReader: ~Copyable {
    private let file: ScratchFile
    private var offset: Int
    private let end: Int
    private var piece: UnsafeMutableRawBufferPointer
    private var at = 0
    private var filled = 0

    init(_ file: ScratchFile, offset: Int, count: Int, pieceBytes: Int = 1 << 17) {
        self.file = file
        self.offset = offset
        end = offset + count
        piece = .allocate(byteCount: pieceBytes, alignment: 16)
    }

    deinit { piece.deallocate() }

    /// The next record, good until the next call; nil at the end.
    mutating func next() throws(ExportError) -> UnsafeRawBufferPointer? {
        if filled - at < 4, try !fill(4) { return nil }
        let length = Int(piece.baseAddress!.loadUnaligned(fromByteOffset: at, as: UInt32.self))
        if filled - at < length, try !fill(length) { return nil }
        defer { at += length }
        return UnsafeRawBufferPointer(rebasing: piece[at..<at + length])
    }

    /// Makes `needed` bytes from `at` on available; false when the part ends before.
    private mutating func fill(_ needed: Int) throws(ExportError) -> Bool {
        let left = filled - at
        if needed > piece.count {
            let grown = UnsafeMutableRawBufferPointer.allocate(byteCount: needed * 2, alignment: 16)
            grown.baseAddress!.copyMemory(from: piece.baseAddress! + at, byteCount: left)
            piece.deallocate()
            piece = grown
        } else if left > 0 {
            piece.baseAddress!.copyMemory(from: piece.baseAddress! + at, byteCount: left)
        }
        at = 0
        let room = UnsafeMutableRawBufferPointer(rebasing: piece[left..<Swift.min(piece.count, left + end - offset)])
        let count = room.isEmpty ? 0 : try file.read(at: offset, into: room)
        offset += count
        filled = left + count
        return filled >= needed
    }
}
