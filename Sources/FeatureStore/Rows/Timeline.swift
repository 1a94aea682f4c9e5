/// One view's part of a row while it is being changed: its sequences and its tiles, newest tile first.
///
///     sequences byte count UInt32, sequences, tiles
struct Timeline: ~Copyable {
    private let plan: ViewPlan
    private let cells: TileCells
    private var sequences = GrowableBytes()
    private var tiles = GrowableBytes(capacity: 1024)
    private var scratch = GrowableBytes()
    private let boundaries: UnsafeMutablePointer<Int64>
    /// The stream's newest event time that `boundaries` were made for.
    private var boundariesNewest: Int64?
    /// They hold for all newer times before this one.
    private var boundariesEnd = Int64.min
    /// What they were before the last change.
    private var previous: UnsafeMutablePointer<Int64> { boundaries + Levels.maxLevels }

    init(plan: ViewPlan) {
        self.plan = plan
        cells = TileCells(plan: plan)
        boundaries = .allocate(capacity: Levels.maxLevels * 2)
        boundaries.initialize(repeating: 0, count: Levels.maxLevels * 2)
    }

    deinit { boundaries.deallocate() }

    mutating func clear() {
        sequences.removeAll()
        tiles.removeAll()
        boundariesNewest = nil
        boundariesEnd = .min
    }

    var isEmpty: Bool { sequences.count == 0 && tiles.count == 0 }
    var byteCount: Int { isEmpty ? 0 : 4 + sequences.count + tiles.count }

    /// False when the bytes do not have the format. `newest` is the stream's as stored with them.
    mutating func load(_ bytes: UnsafeRawBufferPointer, newest: Int64) -> Bool {
        guard bytes.count >= 4 else { return false }
        let sequenceBytes = Int(bytes.loadUnaligned(as: UInt32.self))
        guard sequenceBytes <= bytes.count - 4 else { return false }
        let tileBytes = UnsafeRawBufferPointer(rebasing: bytes[(4 + sequenceBytes)...])
        guard TileWalk.isWellFormed(tileBytes, plan: plan) else { return false }
        sequences.replaceAll(with: UnsafeRawBufferPointer(rebasing: bytes[4..<4 + sequenceBytes]))
        tiles.replaceAll(with: tileBytes)
        setBoundaries(newest: newest)
        return true
    }

    func save(to output: inout GrowableBytes) {
        output.append(UInt32(truncatingIfNeeded: sequences.count))
        output.append(sequences.bytes)
        output.append(tiles.bytes)
    }

    /// Brings tiles and sequences into the form that belongs to the stream's newest event time, and adds the events that passed the view's
    /// filter, oldest first.
    ///
    /// All events that a row takes come at once: the tiles are compacted once, for the newest of them, and each event goes into the tile that
    /// holds it in the end.
    mutating func update(newest: Int64, _ events: UnsafeBufferPointer<Addition>) {
        let advances = boundariesNewest != newest
        guard advances || !events.isEmpty else { return }
        if advances, setBoundaries(newest: newest) { compactTiles() }
        if plan.hasTiles { addToTiles(events) }
        updateSequences(newest: newest, events)
    }

    /// Returns whether they changed.
    @discardableResult
    private mutating func setBoundaries(newest: Int64) -> Bool {
        if let known = boundariesNewest, newest >= known, newest < boundariesEnd {
            boundariesNewest = newest
            return false
        }
        let count = plan.levels.levels.count
        previous.update(from: boundaries, count: count)
        boundariesEnd = plan.levels.boundaries(newest: newest, into: boundaries)
        let known = boundariesNewest != nil
        boundariesNewest = newest
        for i in 0..<count where boundaries[i] != previous[i] { return true }
        return !known
    }

    /// Merges tiles that are now coarser, drops those that no window reaches. Tiles are in descending order of start and stay so.
    private mutating func compactTiles() {
        let oldest = oldestMoving()
        var at = 0
        while true {
            guard at < tiles.count else { return }
            let start = Int64(tiles.load(at: at, as: UInt32.self)) * 1_000_000
            if start < oldest { return }
            if moves(start) { break }
            at += cells.byteCount(of: tiles, at: at)
        }
        // From here on older tiles change: copy them away and put them back one by one. The last tile that stays may take some of them.
        scratch.replaceAll(with: UnsafeRawBufferPointer(rebasing: tiles.bytes[at...]))
        tiles.truncate(to: at)
        var last: Int? = nil
        var lastStart: Int64 = -1
        var from = 0
        while from < scratch.count {
            let length = cells.byteCount(of: scratch, at: from)
            let start = newStart(Int64(scratch.load(at: from, as: UInt32.self)) * 1_000_000)
            if start == Levels.dropped { break }  // all further ones are older
            if let last, start == lastStart {
                cells.merge(scratch.base + from, intoTileAt: last, in: &tiles)
            } else {
                last = tiles.count
                lastStart = start
                tiles.append(scratch.base + from, length)
                tiles.store(UInt32(start / 1_000_000), at: tiles.count - length)
            }
            from += length
        }
    }

    /// Whether the last change of the boundaries put the tile that begins at `start` into another level. A tile of the same level as before
    /// stays what it is, and so does the lifetime tile.
    @inline(__always)
    private func moves(_ start: Int64) -> Bool {
        if start == Levels.lifetimeStart { return false }
        for i in 0..<plan.levels.levels.count where start < boundaries[i] && start >= previous[i] { return true }
        return false
    }

    /// No tile that begins before this moves; a boundary that stays moves none, and none ever moves back.
    private func oldestMoving() -> Int64 {
        var oldest = Int64.max
        for i in 0..<plan.levels.levels.count where boundaries[i] != previous[i] { oldest = Swift.min(oldest, previous[i]) }
        return oldest
    }

    @inline(__always)
    private func newStart(_ start: Int64) -> Int64 {
        moves(start) ? plan.levels.start(of: start, boundaries: boundaries) : start
    }

    /// Tiles and events are both walked from the newest back; the events of one tile are added to it together.
    private mutating func addToTiles(_ events: UnsafeBufferPointer<Addition>) {
        var at = 0
        var end = events.count
        while end > 0 {
            let start = plan.levels.start(of: events[end - 1].time, boundaries: boundaries)
            if start == Levels.dropped { return }  // All others are older.
            var first = end - 1
            while first > 0, events[first - 1].time >= start { first -= 1 }
            let wanted = UInt32(start / 1_000_000)
            while at < tiles.count, tiles.load(at: at, as: UInt32.self) > wanted { at += cells.byteCount(of: tiles, at: at) }
            if at == tiles.count || tiles.load(at: at, as: UInt32.self) < wanted { cells.create(start: wanted, at: at, in: &tiles) }
            cells.add(UnsafeBufferPointer(rebasing: events[first..<end]), toTileAt: at, in: &tiles)
            end = first
        }
    }

    /// Gives the sequences the new events and drops what they need not keep.
    private mutating func updateSequences(newest: Int64, _ events: UnsafeBufferPointer<Addition>) {
        let oldest = plan.levels.hasLifetime ? Int64.min : plan.levels.oldest(newest: newest)!
        if events.isEmpty {
            guard sequences.count > 0 else { return }
            // Without history nothing changes until the oldest kept entry, at the latest the view's newest event, can expire.
            if plan.levels.history == 0, oldest == .min { return }
        }
        let any = SequenceCells.rewrite(
            sequences.bytes, plan: plan, newest: newest, oldest: oldest, additions: events, into: &scratch)
        if any { sequences.replaceAll(with: scratch.bytes) } else { sequences.removeAll() }
    }
}

/// Bounds for walking over tiles in place.
enum TileWalk {
    /// Whether `tiles` is a whole number of tiles in strictly descending order, with cells that fit.
    @inline(__always)
    static func isWellFormed(_ tiles: UnsafeRawBufferPointer, plan: ViewPlan) -> Bool {
        let fixed = plan.headerBytes + plan.fixedBytes
        if plan.variableColumns.isEmpty {
            guard tiles.count % fixed == 0 else { return false }
        }
        var at = 0
        var previous = UInt64(UInt32.max) + 1
        while at < tiles.count {
            guard fixed <= tiles.count - at else { return false }
            let start = UInt64(tiles.loadUnaligned(fromByteOffset: at, as: UInt32.self))
            guard start < previous else { return false }
            previous = start
            var end = at + fixed
            if !plan.variableColumns.isEmpty {
                let variable = Int(tiles.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self))
                guard variable <= tiles.count - end else { return false }
                let limit = end + variable
                for column in plan.variableColumns {
                    guard 4 <= limit - end else { return false }
                    let payload = Int(tiles.loadUnaligned(fromByteOffset: end, as: UInt32.self))
                    guard payload <= limit - end - 4 else { return false }
                    guard column.isWellFormed(UnsafeRawBufferPointer(rebasing: tiles[end + 4..<end + 4 + payload]))
                    else { return false }
                    end += 4 + payload
                }
                guard end == limit else { return false }
            }
            at = end
        }
        return true
    }
}
