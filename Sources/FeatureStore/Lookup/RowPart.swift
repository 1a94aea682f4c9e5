internal import CPrefetch

/// A view's part of one row: where its bytes lie, and how far its tiles have been read. Trivial, so that a lookup keeps all of them on
/// its stack.
struct RowPart: BitwiseCopyable {
    private let viewID: UInt16
    private let streamID: UInt16
    /// The moment from which on the shard has seen the view's events; nil: from the beginning.
    let since: Int64?
    private var streamNewest: Int64?
    private var section: UnsafeRawBufferPointer?
    private(set) var sequences = UnsafeRawBufferPointer(start: nil, count: 0)
    private(set) var tiles = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Offset in `tiles` of the next tile to read.
    var at = 0

    private init(_ read: ReadPlan.ViewRead, _ row: RowReader.Row) {
        viewID = row.plan.views[read.view].id
        streamID = row.plan.streams[read.stream].id
        since = read.view < row.since.count ? row.since[read.view] : nil
    }

    /// Not a part of a stored row, but one that was made for a request: nothing in it is after the time asked for.
    init(sequences: UnsafeRawBufferPointer, tiles: UnsafeRawBufferPointer) {
        viewID = 0
        streamID = 0
        since = nil
        self.sequences = sequences
        self.tiles = tiles
    }

    /// The stream's newest event; 0: no event yet, and no event is that old.
    var newest: Int64 { streamNewest ?? 0 }

    /// Fills `parts[first]`, `parts[first + step]`, ... with the parts of `row`, one per view of the plan, in one walk over its directory.
    static func locate(
        _ plan: ReadPlan, in row: RowReader.Row, into parts: UnsafeMutableBufferPointer<RowPart>, first: Int, step: Int
    ) throws(CorruptRow) {
        prefetch(row.bytes, upTo: 256)  // the directory, and the streams behind it
        var at = first
        for read in plan.views {
            parts.initializeElement(at: at, to: RowPart(read, row))
            at += step
        }
        let whole = RowFormat.sections(of: row.bytes) { kind, id, bytes in
            if kind == RowFormat.SectionKind.stream.rawValue, bytes.count >= 8 {
                let newest = bytes.loadUnaligned(as: Int64.self)
                for i in stride(from: first, to: parts.count, by: step) where parts[i].streamID == id {
                    parts[i].streamNewest = newest
                }
            } else if kind == RowFormat.SectionKind.view.rawValue {
                for i in stride(from: first, to: parts.count, by: step) where parts[i].viewID == id {
                    parts[i].section = bytes
                }
            }
        }
        guard whole else { throw CorruptRow(what: "header or directory") }
    }

    /// Asks for the section's memory; of a long one for the beginning: the processor sees by itself that it is read in order.
    func prefetch() { if let section { Self.prefetch(section, upTo: 512) } }

    /// A row is rarely in the processor's caches: what is needed of it is waited for once and not line by line.
    private static func prefetch(_ bytes: UnsafeRawBufferPointer, upTo limit: Int) {
        guard let start = bytes.baseAddress else { return }
        for line in stride(from: 0, to: Swift.min(bytes.count, limit), by: 64) { prefetch_memory(start + line) }
    }

    /// Finds sequences and tiles in the view's section and checks the tiles, so that walking over them needs no checks.
    mutating func open(_ view: ViewPlan) throws(CorruptRow) {
        if let streamNewest, !Store.validTimes.contains(streamNewest) {
            throw CorruptRow(what: "stream section \(streamID)")
        }
        guard let section else { return }
        guard section.count >= 4, streamNewest != nil else { throw CorruptRow(what: "view section \(viewID)") }
        let sequenceBytes = Int(section.loadUnaligned(as: UInt32.self))
        guard sequenceBytes <= section.count - 4 else { throw CorruptRow(what: "view section \(viewID)") }
        sequences = UnsafeRawBufferPointer(rebasing: section[4..<4 + sequenceBytes])
        tiles = UnsafeRawBufferPointer(rebasing: section[(4 + sequenceBytes)...])
        guard TileWalk.isWellFormed(tiles, plan: view) else { throw CorruptRow(what: "tiles of view section \(viewID)") }
    }

    /// Whether the tiles kept can tell the window of a request at `time`: always at or after the stream's newest event; before it only
    /// as far as tiles fine enough are kept.
    func reaches(_ window: WindowEdge, of levels: Levels, left: Int64?, at time: Int64) -> Bool {
        guard time < newest else { return true }
        guard levels.hop(at: time, newest: newest) != nil else { return false }
        guard let left else { return true }
        guard let kept = levels.hop(at: left, newest: newest) else { return false }
        return window.hop % kept == 0
    }
}
