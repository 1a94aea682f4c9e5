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
    /// Events of this batch that the sequences have yet to take, all at once in `updateSequences`.
    private var additions: UnsafeMutablePointer<SequenceCells.Addition>
    private var additionCount = 0
    private var additionCapacity = 64
    private var additionsAreOrdered = true
    /// Whether the stream's newest event, or the sequences, have changed since `load`.
    private var sequencesAreBehind = false

    init(plan: ViewPlan) {
        self.plan = plan
        cells = TileCells(plan: plan)
        boundaries = .allocate(capacity: Levels.maxLevels * 2)
        boundaries.initialize(repeating: 0, count: Levels.maxLevels * 2)
        additions = .allocate(capacity: additionCapacity)
    }

    deinit {
        boundaries.deallocate()
        additions.deallocate()
    }

    mutating func clear() {
        sequences.removeAll()
        tiles.removeAll()
        boundariesNewest = nil
        boundariesEnd = .min
        additionCount = 0
        additionsAreOrdered = true
        sequencesAreBehind = false
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

    /// Brings the tiles into the form that belongs to the stream's newest event time, and adds an event if there is one.
    /// The sequences follow in `updateSequences`.
    mutating func update(newest: Int64, addition: SequenceCells.Addition?) {
        if boundariesNewest != newest, setBoundaries(newest: newest) { compactTiles() }
        if let addition, plan.hasTiles { addToTile(addition) }
        sequencesAreBehind = true
        if let addition { keepForSequences(addition) }
    }

    /// Whether some tile holds `time` once the stream's newest event is at `newest`.
    func holds(_ time: Int64, newest: Int64) -> Bool {
        plan.levels.hasLifetime || time >= plan.levels.oldest(newest: newest) ?? .max
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
        var at = 0
        while at < tiles.count {
            if moves(Int64(tiles.load(at: at, as: UInt32.self)) * 1_000_000) { break }
            at += cells.byteCount(of: tiles, at: at)
        }
        guard at < tiles.count else { return }
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

    @inline(__always)
    private func newStart(_ start: Int64) -> Int64 {
        moves(start) ? plan.levels.start(of: start, boundaries: boundaries) : start
    }

    private mutating func addToTile(_ addition: SequenceCells.Addition) {
        let start = plan.levels.start(of: addition.time, boundaries: boundaries)
        guard start != Levels.dropped else { return }
        let wanted = UInt32(start / 1_000_000)
        var at = 0
        while at < tiles.count {
            let found = tiles.load(at: at, as: UInt32.self)
            if found <= wanted {
                if found < wanted { cells.create(start: wanted, at: at, in: &tiles) }
                break
            }
            at += cells.byteCount(of: tiles, at: at)
        }
        if at == tiles.count { cells.create(start: wanted, at: at, in: &tiles) }
        cells.add(time: addition.time, id: addition.id, fields: addition.fields, toTileAt: at, in: &tiles)
    }

    private mutating func keepForSequences(_ addition: SequenceCells.Addition) {
        if additionCount == additionCapacity {
            let grown = UnsafeMutablePointer<SequenceCells.Addition>.allocate(capacity: additionCapacity * 2)
            grown.moveInitialize(from: additions, count: additionCount)
            additions.deallocate()
            additions = grown
            additionCapacity *= 2
        }
        if additionCount > 0, addition.isNewer(than: additions[additionCount - 1]) == false { additionsAreOrdered = false }
        (additions + additionCount).initialize(to: addition)
        additionCount += 1
    }

    /// Gives the sequences this batch's events and drops what they need not keep; after the last `update`, before `save`.
    mutating func updateSequences() {
        guard sequencesAreBehind, let newest = boundariesNewest else { return }
        sequencesAreBehind = false
        let oldest = plan.levels.hasLifetime ? Int64.min : plan.levels.oldest(newest: newest)!
        var added = UnsafeMutableBufferPointer(start: additions, count: additionCount)
        if added.isEmpty {
            guard sequences.count > 0 else { return }
            // Without history nothing changes until the oldest kept entry, at the latest the view's newest event, can expire.
            if plan.levels.history == 0, oldest == .min { return }
        }
        if !additionsAreOrdered { added.sort { $1.isNewer(than: $0) } }
        let any = SequenceCells.rewrite(
            sequences.bytes, plan: plan, newest: newest, oldest: oldest, additions: UnsafeBufferPointer(added), into: &scratch)
        if any { sequences.replaceAll(with: scratch.bytes) } else { sequences.removeAll() }
        additionCount = 0
        additionsAreOrdered = true
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
