/// An event that a row takes: `fields` points at the stream's fields, which stay until the row is finished.
struct Addition {
    var time: Int64
    var id: UInt64
    var fields: UnsafePointer<FieldValue>

    @inline(__always)
    func isNewer(than other: Addition) -> Bool { (time, id) > (other.time, other.id) }
}

/// Events that a row takes, in memory that is kept from row to row.
struct Additions: ~Copyable {
    private var base: UnsafeMutablePointer<Addition>
    private var capacity = 64
    private(set) var count = 0

    init() { base = .allocate(capacity: capacity) }
    deinit { base.deallocate() }

    @inline(__always)
    var all: UnsafeBufferPointer<Addition> { UnsafeBufferPointer(start: base, count: count) }

    @inline(__always)
    mutating func append(_ addition: Addition) {
        if count == capacity { grow() }
        (base + count).initialize(to: addition)
        count += 1
    }

    @inline(never)
    private mutating func grow() {
        let grown = UnsafeMutablePointer<Addition>.allocate(capacity: capacity * 2)
        grown.moveInitialize(from: base, count: count)
        base.deallocate()
        base = grown
        capacity *= 2
    }

    mutating func removeAll() { count = 0 }

    /// Oldest first, as they mostly are. O(n) then.
    mutating func sort() {
        for i in 1..<Swift.max(1, count) where !base[i].isNewer(than: base[i - 1]) {
            var events = UnsafeMutableBufferPointer(start: base, count: count)
            events.sort { $1.isNewer(than: $0) }
            return
        }
    }
}
