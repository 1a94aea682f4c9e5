internal import Synchronization

/// Encoded rows of one bucket: length UInt32, row Int64, the row.
final class ResultRun {
    static let headerBytes = 12

    private var bytes = RecordWriter(capacity: 1 << 16)
    private var offsets: [(row: Int64, offset: Int)] = []

    var rowCount: Int { offsets.count }

    func append(row: Int64, _ record: UnsafeRawBufferPointer) {
        offsets.append((row, bytes.count))
        bytes.append(record)
    }

    /// In the order of the rows' numbers.
    func sorted() -> SortedRun {
        offsets.sort { $0.row < $1.row }
        let sorted = SortedRun(byteCount: bytes.count)
        var at = 0
        for (_, offset) in offsets {
            let start = bytes.base + offset
            let length = Int(start.loadUnaligned(as: UInt32.self))
            (sorted.bytes.baseAddress! + at).copyMemory(from: start, byteCount: length)
            at += length
        }
        return sorted
    }
}

/// Written by its maker, then only read.
final class SortedRun: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer
    init(byteCount: Int) { bytes = .allocate(byteCount: byteCount, alignment: 16) }
    deinit { bytes.deallocate() }
}

/// The runs of all buckets: in memory up to a budget, beyond it in one scratch file. Any thread adds; then one merges.
final class ResultRuns: Sendable {
    private struct State {
        var memory: [SortedRun] = []
        var memoryBytes = 0
        var file: ScratchFile?
        var parts: [(offset: Int, count: Int)] = []
    }

    private let budget: Int
    private let directory: String
    private let state = Mutex(State())

    init(memoryBytes: Int, directory: String) {
        budget = memoryBytes
        self.directory = directory
    }

    func add(_ run: ResultRun) throws(ExportError) {
        let sorted = run.sorted()
        try state.withLock { state throws(ExportError) in
            if state.memoryBytes + sorted.bytes.count <= budget {
                state.memory.append(sorted)
                state.memoryBytes += sorted.bytes.count
                return
            }
            let file: ScratchFile
            if let open = state.file { file = open } else { file = try ScratchFile(in: directory) }
            state.file = file
            state.parts.append((file.byteCount, sorted.bytes.count))
            try file.append(UnsafeRawBufferPointer(sorted.bytes))
        }
    }

    /// Hands all rows to `body` in the order of their numbers.
    func merge(_ body: (UnsafeRawBufferPointer) throws(ExportError) -> Void) throws(ExportError) {
        let (memory, file, parts) = state.withLock { ($0.memory, $0.file, $0.parts) }
        var cursors = memory.map { Cursor($0) }
        if let file { cursors += parts.map { Cursor(file: file, offset: $0.offset, count: $0.count) } }
        // A heap of cursors by their next row.
        var heap: [Cursor] = []
        for cursor in cursors where try cursor.advance() { Self.push(cursor, &heap) }
        while let least = heap.first {
            try body(UnsafeRawBufferPointer(rebasing: least.record[ResultRun.headerBytes...]))
            if try !least.advance() {
                let last = heap.removeLast()
                if heap.isEmpty { return }
                if last !== least { heap[0] = last }
            }
            Self.sink(&heap)
        }
    }

    private static func push(_ cursor: Cursor, _ heap: inout [Cursor]) {
        heap.append(cursor)
        var child = heap.count - 1
        while child > 0, heap[child].row < heap[(child - 1) / 2].row {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private static func sink(_ heap: inout [Cursor]) {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].row < heap[least].row { least = child }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    private final class Cursor {
        private let run: SortedRun?
        private var at = 0
        private var reader: ScratchFileReader?
        private(set) var record = UnsafeRawBufferPointer(start: nil, count: 0)

        init(_ run: SortedRun) { self.run = run }

        init(file: ScratchFile, offset: Int, count: Int) {
            run = nil
            reader = ScratchFileReader(file, offset: offset, count: count, pieceBytes: 1 << 16)
        }

        var row: Int64 { record.loadUnaligned(fromByteOffset: 4, as: Int64.self) }

        /// Goes on to the next record; false at the end.
        func advance() throws(ExportError) -> Bool {
            if let run {
                guard at < run.bytes.count else { return false }
                let length = Int(run.bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
                record = UnsafeRawBufferPointer(rebasing: run.bytes[at..<at + length])
                at += length
                return true
            }
            guard let next = try reader?.next() else { return false }
            record = next
            return true
        }
    }
}
