internal import FeatureStore
internal import Glibc

/// Reads the files one after another and cuts them into blocks of whole records.
///
/// One thread uses it.
final class BlockReader {
    private let files: [LogFiles.File]
    private let options: LogOptions
    private let opener: SourceOpener
    /// Blocks end here if they would go beyond it, so that everybody who stopped at such a place finds it again. Ascending.
    private var cuts: ArraySlice<LogPosition>
    private let pool: LogMemoryPool

    private var next: Int
    private var resumeAt: Int64
    private var input: LogInput?
    private var source: LogSource?
    /// Read from the present file and in no block yet; the first byte is at `offset`.
    private var carry: LogMemory
    private var carryStart = 0
    private var carryEnd = 0
    private var offset: Int64 = 0
    private var isAtEnd = false
    private var bytesOfFilesDone: Int64 = 0

    init(files: LogFiles, options: LogOptions, opener: SourceOpener, from: LogPosition, cuts: [LogPosition], pool: LogMemoryPool) {
        self.files = files.files
        self.options = options
        self.opener = opener
        self.cuts = cuts.sorted()[...]
        self.pool = pool
        next = from.file
        resumeAt = from.offset
        carry = pool.take(byteCount: options.blockBytes)
        for file in files.files.prefix(from.file) { bytesOfFilesDone += file.bytes ?? 0 }
    }

    /// The next block; nil at the end of the last file.
    func nextBlock() throws(LogError) -> LogBlock? {
        while true {
            if source == nil {
                guard next < files.count else { return nil }
                try open(files[next])
                next += 1
                if source == nil { continue }
            }
            if let block = try cut() { return block }
            bytesOfFilesDone += input?.bytesRead ?? 0
            source = nil
            input = nil
        }
    }

    private func open(_ file: LogFiles.File) throws(LogError) {
        let input = try LogInput(path: file.path)
        self.input = input
        (carryStart, carryEnd, offset, isAtEnd) = (0, 0, 0, false)
        try fill()
        let resume = resumeAt
        resumeAt = 0
        if carryEnd == 0 {
            guard resume == 0 else { try input.skip(to: resume); return }
            self.input = nil
            return
        }
        while true {
            let bytes = UnsafeRawBufferPointer(rebasing: carry.bytes[..<carryEnd])
            let opened = try opener.open(bytes, isAll: isAtEnd, path: file.path, index: next)
            if let (source, end) = opened {
                self.source = source
                (carryStart, offset) = (end, Int64(end))
                break
            }
            try fill()
        }
        if resume > offset {
            if resume <= offset + Int64(carryEnd - carryStart) {
                carryStart += Int(resume - offset)
            } else {
                (carryStart, carryEnd) = (0, 0)
                try input.skip(to: resume)
                isAtEnd = false
            }
            offset = resume
        }
    }

    /// Reads until the memory is full or the file ends; makes it larger when it is full already.
    private func fill() throws(LogError) {
        if carryStart > 0 {
            memmove(carry.bytes.baseAddress!, carry.bytes.baseAddress! + carryStart, carryEnd - carryStart)
            (carryStart, carryEnd) = (0, carryEnd - carryStart)
        }
        if isAtEnd { return }
        if carryEnd == carry.bytes.count { carry.grow(to: carryEnd * 2, keeping: carryEnd) }
        let count = try input!.read(into: UnsafeMutableRawBufferPointer(rebasing: carry.bytes[carryEnd...]))
        carryEnd += count
        isAtEnd = carryEnd < carry.bytes.count
    }

    /// The next whole records of the present file; nil at its end.
    private func cut() throws(LogError) -> LogBlock? {
        let source = source!
        while true {
            if carryEnd - carryStart < options.blockBytes || carryStart > 0 { try fill() }
            if carryStart == carryEnd { return nil }
            let bytes = UnsafeRawBufferPointer(rebasing: carry.bytes[carryStart..<carryEnd])
            var (end, parts) = try endOfRecords(bytes, source)
            if end == 0 {
                guard bytes.count < options.maxRecordBytes + 64, !isAtEnd else { throw incomplete(source, bytes) }
                try fill()
                continue
            }
            if let cut = nextCut(within: end, source.index) {
                end = cut
                parts.removeAll { $0.start >= end }
            }
            return take(end, parts, source)
        }
    }

    private func nextCut(within end: Int, _ file: Int) -> Int? {
        while let cut = cuts.first {
            if cut.file > file || (cut.file == file && cut.offset >= offset + Int64(end)) { return nil }
            cuts.removeFirst()
            if cut.file == file, cut.offset > offset { return Int(cut.offset - offset) }
        }
        return nil
    }

    private func endOfRecords(
        _ bytes: UnsafeRawBufferPointer, _ source: LogSource
    ) throws(LogError) -> (Int, [AvroContainer.Part]) {
        switch source.format {
        case .ndjson:
            let end = RecordSplitter.endOfLines(bytes)
            // The last line need not have an end.
            return (isAtEnd && bytes.count <= options.maxRecordBytes ? bytes.count : end, [])
        case .csv, .tsv:
            let end = RecordSplitter.endOfRows(bytes)
            return (isAtEnd && bytes.count <= options.maxRecordBytes ? bytes.count : end, [])
        case .protobuf:
            let (end, problem) = RecordSplitter.endOfMessages(bytes, maxBytes: options.maxRecordBytes)
            if let problem, end == 0 {
                throw LogError(
                    path: source.path, offset: offset, problem, remedy: "each message must come behind its length as a varint")
            }
            return (end, [])
        case .avro:
            var end = 0
            var parts: [AvroContainer.Part] = []
            while end < bytes.count, end < options.blockBytes {
                let parsed = AvroContainer.part(bytes, at: end, source.container!, maxBytes: options.maxRecordBytes)
                guard case .value(let part, let after) = parsed else {
                    if case .invalid(let problem) = parsed, end == 0 {
                        throw LogError(path: source.path, offset: offset, problem, remedy: "copy the file again from where it comes from")
                    }
                    break
                }
                parts.append(part)
                end = after
            }
            return (end, parts)
        }
    }

    /// No record ends in what is there, and no more comes or may come.
    private func incomplete(_ source: LogSource, _ bytes: UnsafeRawBufferPointer) -> LogError {
        if isAtEnd, bytes.count <= options.maxRecordBytes + 64 {
            let what = source.format == .avro ? "block" : "message"
            return LogError(
                path: source.path, offset: offset, "the file is cut off: its last \(what) ends in the middle",
                remedy: "copy the file again from where it comes from")
        }
        let hint = source.format == .ndjson ? "are its lines ended by line feeds?" : "is there a quote that nothing closes?"
        return LogError(
            path: source.path, offset: offset, "a record has more than \(options.maxRecordBytes) bytes", remedy: hint)
    }

    /// Hands the first `end` bytes over with their memory, and keeps the rest in another.
    private func take(_ end: Int, _ parts: [AvroContainer.Part], _ source: LogSource) -> LogBlock {
        if carryStart > 0 {
            memmove(carry.bytes.baseAddress!, carry.bytes.baseAddress! + carryStart, carryEnd - carryStart)
            (carryStart, carryEnd) = (0, carryEnd - carryStart)
        }
        let rest = carryEnd - end
        let fresh = pool.take(byteCount: max(options.blockBytes, rest))
        fresh.bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: carry.bytes[end..<carryEnd]))
        let block = LogBlock(
            source: source, memory: carry, count: end, offset: offset, parts: parts,
            bytesRead: bytesOfFilesDone + (input?.bytesRead ?? 0))
        carry = fresh
        carryEnd = rest
        offset += Int64(end)
        return block
    }
}

/// Memory of blocks, kept when a chunk is done. Thread-safe.
final class LogMemoryPool: @unchecked Sendable {
    private let monitor = Monitor()
    private var free: [LogMemory] = []
    private let limit: Int
    private let usualBytes: Int

    init(limit: Int, usualBytes: Int) {
        self.limit = limit
        self.usualBytes = usualBytes
    }

    func take(byteCount: Int) -> LogMemory {
        let known = monitor.change { free.popLast() }
        let memory = known ?? LogMemory(byteCount: byteCount)
        memory.grow(to: byteCount, keeping: 0)
        return memory
    }

    /// One that has grown for a single long record is not kept.
    func give(_ memory: LogMemory) {
        monitor.change { if free.count < limit, memory.bytes.count <= usualBytes * 4 { free.append(memory) } }
    }
}
