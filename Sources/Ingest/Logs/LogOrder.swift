internal import FeatureStore

/// What only the order of chunks tells: line numbers, and that the offsets of each partition go up.
struct LogOrder {
    private let definitions: Definitions
    private var file: Int
    private var line: Int64
    private var faultsLeft: Int
    private var lastOffsets: [[Int64]: Int64] = [:]

    init(start: LogPosition, definitions: Definitions, maxFaults: Int) {
        self.definitions = definitions
        file = start.offset > 0 ? start.file : -1
        line = start.line
        faultsLeft = maxFaults
    }

    mutating func place(_ chunk: LogChunk) throws(LogError) {
        let source = chunk.source!
        if source.index != file { (file, line) = (source.index, source.headerLines) }
        chunk.start.line = line
        for n in chunk.faults.indices {
            if let relative = chunk.faults[n].line { chunk.faults[n].line = relative + line }
        }
        if chunk.faults.count > faultsLeft { chunk.faults.removeLast(chunk.faults.count - faultsLeft) }
        faultsLeft -= chunk.faults.count
        for n in chunk.spans.indices {
            let span = chunk.spans[n]
            let key = [Int64(span.stream), Int64(span.partition)]
            if let last = lastOffsets[key] {
                guard span.first > last else {
                    throw .outOfOrder(
                        path: source.path, line: nil, topic: definitions.streams[Int(span.stream)].topic,
                        partition: Int(span.partition), offset: span.first)
                }
                chunk.spans[n].missing += span.first - last - 1
            }
            lastOffsets[key] = span.last
        }
        line += chunk.lines
        chunk.position.line = line
    }

    mutating func place(_ error: LogError) -> LogError {
        guard error.isRelative, let relative = error.line else { return error }
        var placed = error
        placed.line = relative + (error.file == file ? line : error.headerLines)
        return placed
    }
}
