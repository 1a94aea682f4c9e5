/// What a row remembers of one stream: the newest event time and the ids it has applied.
///
///     newest event time Int64 µs, floor UInt32 s, id count UInt32, ids UInt64 × n, their event times UInt32 s × n
///
/// Ids are ordered by (event time in seconds, descending; id, ascending) and kept as long as an event of that second may still be
/// accepted. Past `maxIDsPerRow` the oldest seconds are forgotten and `floor` rises: older events are `late` from then on.
struct StreamSection: ~Copyable {
    static let headerBytes = 16

    var exists = false
    var newest: Int64 = 0
    /// Events of an earlier second are late. 0: no such bound.
    var floorSeconds: UInt32 = 0
    private var count = 0
    private var idRoom: UnsafeMutablePointer<UInt64>
    private var secondRoom: UnsafeMutablePointer<UInt32>
    private var capacity: Int
    /// Where the ids begin in their room. New events are mostly the newest, so there is room in front for them.
    private var first: Int
    private var filter: UnsafeMutablePointer<UInt64>
    private var filterCapacity: Int
    private var filterMask = 0
    private var isFiltered = false
    private var isAsked = false

    init() {
        capacity = 256
        first = 128
        filterCapacity = 64
        filter = .allocate(capacity: filterCapacity)
        idRoom = .allocate(capacity: capacity)
        secondRoom = .allocate(capacity: capacity)
    }

    deinit {
        idRoom.deallocate()
        secondRoom.deallocate()
        filter.deallocate()
    }

    private var ids: UnsafeMutablePointer<UInt64> { idRoom + first }
    private var seconds: UnsafeMutablePointer<UInt32> { secondRoom + first }

    mutating func clear() {
        exists = false
        newest = 0
        floorSeconds = 0
        count = 0
        first = capacity / 2
        isFiltered = false
        isAsked = false
    }

    /// False when the bytes do not have the format.
    mutating func load(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= Self.headerBytes else { return false }
        let n = Int(bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
        guard bytes.count == Self.headerBytes + n * 12 else { return false }
        let time = bytes.loadUnaligned(fromByteOffset: 0, as: Int64.self)
        guard Store.validTimes.contains(time) else { return false }
        exists = true
        newest = time
        floorSeconds = bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
        makeRoom(for: n)
        count = n
        let base = bytes.baseAddress!
        UnsafeMutableRawPointer(ids).copyMemory(from: base + Self.headerBytes, byteCount: n * 8)
        UnsafeMutableRawPointer(seconds).copyMemory(from: base + Self.headerBytes + n * 8, byteCount: n * 4)
        return true
    }

    var byteCount: Int { Self.headerBytes + count * 12 }

    func save(to output: inout GrowableBytes) {
        output.append(newest)
        output.append(floorSeconds)
        output.append(UInt32(truncatingIfNeeded: count))
        output.append(UnsafeRawPointer(ids), count * 8)
        output.append(UnsafeRawPointer(seconds), count * 4)
    }

    /// O(1) for an id that is not there, as most are not, from the second question on; O(ids) else: a bot's row has thousands.
    @inline(__always)
    mutating func contains(_ id: UInt64) -> Bool {
        if count >= Self.minFilterCount {
            if isFiltered {
                if !mightContain(id) { return false }
            } else if isAsked {
                makeFilter()
                if !mightContain(id) { return false }
            }
            isAsked = true
        }
        let ids = ids
        for i in 0..<count where ids[i] == id { return true }
        return false
    }

    // The filter has one bit of 32 set for each id, or more (a Bloom filter with one hash: ids are hashes already). Those of expired ids
    // stay set, which costs a look at the ids and nothing else.

    /// Fewer ids are looked through as fast.
    private static let minFilterCount = 24

    @inline(__always)
    private func mightContain(_ id: UInt64) -> Bool {
        filter[Int(truncatingIfNeeded: id >> 6) & filterMask] >> (id & 63) & 1 != 0
    }

    @inline(__always)
    private func addToFilter(_ id: UInt64) {
        filter[Int(truncatingIfNeeded: id >> 6) & filterMask] |= 1 << (id & 63)
    }

    private mutating func makeFilter() {
        var words = 32
        while words < count { words *= 2 }
        if words > filterCapacity {
            filter.deallocate()
            filter = .allocate(capacity: words)
            filterCapacity = words
        }
        filterMask = words - 1
        filter.update(repeating: 0, count: words)
        isFiltered = true
        for i in 0..<count { addToFilter(ids[i]) }
    }

    /// Forgets the ids that are further than `lateness` behind the newest event.
    mutating func expire(lateness: Microseconds) {
        let oldest = Swift.max(0, floorDown(newest - lateness, 1_000_000) / 1_000_000)
        while count > 0, Int64(seconds[count - 1]) < oldest { count -= 1 }
        if Int64(floorSeconds) <= oldest { floorSeconds = 0 }
    }

    mutating func insert(_ id: UInt64, time: Int64, maxCount: Int) {
        let second = UInt32(truncatingIfNeeded: time / 1_000_000)
        if first == 0 { makeRoom(for: count + 1) }
        var at = 0
        while at < count, seconds[at] > second || (seconds[at] == second && ids[at] < id) { at += 1 }
        // Those in front of it, mostly none, move forward by one.
        first -= 1
        ids.update(from: ids + 1, count: at)
        seconds.update(from: seconds + 1, count: at)
        ids[at] = id
        seconds[at] = second
        count += 1
        if isFiltered { addToFilter(id) }
        guard count > maxCount else { return }
        // Forget whole seconds, so that what is remembered of a second is complete.
        let oldest = seconds[count - 1]
        while count > 0, seconds[count - 1] == oldest { count -= 1 }
        floorSeconds = oldest &+ 1
    }

    /// Room for `needed` ids and as many again in front of them.
    private mutating func makeRoom(for needed: Int) {
        let ids = ids, seconds = seconds, oldIDs = idRoom, oldSeconds = secondRoom
        let isLarger = needed * 2 > capacity
        if isLarger {
            capacity = Swift.max(needed * 2, capacity * 2)
            idRoom = .allocate(capacity: capacity)
            secondRoom = .allocate(capacity: capacity)
        }
        first = capacity - needed
        self.ids.update(from: ids, count: count)
        self.seconds.update(from: seconds, count: count)
        if isLarger {
            oldIDs.deallocate()
            oldSeconds.deallocate()
        }
    }
}
