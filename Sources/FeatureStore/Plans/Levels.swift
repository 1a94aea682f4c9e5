/// Which tile holds which moment: the hops of one view, finest first, and how far back each reaches.
///
/// An event lies in exactly one tile. Close to the newest event tiles are as fine as the shortest window needs; with age they merge into
/// coarser ones, as the longer windows allow, and behind the longest window they are dropped (or merge into the one lifetime
/// tile). Where one level ends and the next begins depends on nothing but the newest event time of the stream in the row, so
/// the tiles are a function of the set of events.
///
///     newest ◄──────────────────────────────────────────────► oldest
///     │ 5 s tiles │  1 min tiles  │  15 min tiles │ 1 h tiles │ (lifetime tile)
///     └ 5 min ────┴ 1 h ──────────┴ 24 h ─────────┴ 7 d ──────┘
package struct Levels: Sendable {
    package struct Level: Sendable, Equatable {
        /// Length of this level's tiles; divides the next level's.
        package var hop: Microseconds
        /// The longest window that is read at this resolution.
        package var reach: Microseconds
    }

    package let levels: [Level]
    package let hasLifetime: Bool
    package let history: Microseconds

    /// The start that the lifetime tile has; no event is that old.
    package static let lifetimeStart: Int64 = 0
    /// What `start` gives for a time that no tile holds.
    package static let dropped: Int64 = -1
    /// A definition may not have more different hops in one view.
    package static let maxLevels = 16

    package init(windows: [Window], history: Microseconds) {
        self.history = history
        hasLifetime = windows.contains(.lifetime)
        // The reach of a hop is the longest window that names it ...
        var reach: [Microseconds: Microseconds] = [:]
        for case (let length, let hop)? in windows.map(\.reach) { reach[hop] = Swift.max(reach[hop] ?? 0, length) }
        var levels: [Level] = []
        for (hop, length) in reach.sorted(by: { $0.key < $1.key }) {
            guard let finer = levels.last else {
                levels.append(Level(hop: hop, reach: length))
                continue
            }
            // ... but a coarser hop that reaches hardly further than a finer one is not worth a level: the finer tiles serve it. The
            // slack guarantees that each level's zone begins and ends on a boundary of its own hop.
            if length < finer.reach + finer.hop + 2 * hop || levels.count == Self.maxLevels {
                // A window of the coarser hop may begin up to `hop - finer.hop` before the finer level's edge for its length.
                levels[levels.count - 1].reach = Swift.max(finer.reach, length + hop - finer.hop)
            } else {
                levels.append(Level(hop: hop, reach: length))
            }
        }
        self.levels = levels
    }

    /// Fills `boundaries` (room for `levels.count`): level `i` holds the times from `boundaries[i]` up to `boundaries[i - 1]`, given the
    /// stream's newest event time. Returns the first newer event time with which one of them would be another.
    @inline(__always)
    @discardableResult
    package func boundaries(newest: Int64, into boundaries: UnsafeMutablePointer<Int64>) -> Int64 {
        var end = Int64.max
        for i in levels.indices {
            let hop = levels[i].hop
            let floor = floorDown(newest - history, hop)
            let edge = floor - levels[i].reach
            // A boundary lies on the coarser side's hops and moves in its steps; the edge moves towards it in steps of its own.
            let step = i + 1 < levels.count ? levels[i + 1].hop : hop
            boundaries[i] = i + 1 < levels.count ? floorDown(edge, step) : edge
            let missing = boundaries[i] + step - edge
            end = Swift.min(end, floor + (missing + hop - 1) / hop * hop + history)
        }
        return end
    }

    /// The oldest moment that a sliding window's tile still holds; nil when there is no sliding window.
    package func oldest(newest: Int64) -> Int64? {
        levels.last.map { floorDown(newest - history, $0.hop) - $0.reach }
    }

    /// The start of the tile that holds `time`, or `dropped`.
    @inline(__always)
    package func start(of time: Int64, boundaries: UnsafeMutablePointer<Int64>) -> Int64 {
        for i in 0..<levels.count where time >= boundaries[i] { return floorDown(time, levels[i].hop) }
        return hasLifetime ? Self.lifetimeStart : Self.dropped
    }

    /// Whether some tile holds `time`, given the stream's newest event time.
    func holds(_ time: Int64, newest: Int64) -> Bool { hasLifetime || time >= oldest(newest: newest) ?? .max }

    /// The length of the tiles at `time`, given the newest event time; nil where no sliding tile is kept.
    package func hop(at time: Int64, newest: Int64) -> Microseconds? {
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: Self.maxLevels) { room in
            boundaries(newest: newest, into: room.baseAddress!)
            for i in levels.indices where time >= room[i] { return levels[i].hop }
            return nil
        }
    }
}

/// The largest multiple of `step` that is at most `time`, for negative times too.
@inline(__always)
package func floorDown(_ time: Int64, _ step: Int64) -> Int64 {
    let rest = time % step
    return time - (rest < 0 ? rest + step : rest)
}
