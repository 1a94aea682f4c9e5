/// The ids that one stream's events have retracted, and when, while a row is being changed.
///
///     cut Int64 µs, number UInt32, ids UInt64 × n, their times Int64 µs × n; ordered by (id, time)
///
/// Remembered are the newest `maxIDs` of those that can still matter. `cut` is the time of the newest one that was left out for want of
/// room, as long as it could matter.
struct RetractionSet: ~Copyable {
    static let headerBytes = 12

    private let plan: RetractionPlan
    private var entries: [(id: UInt64, time: Int64)] = []
    private var cut: Int64 = 0

    init(plan: RetractionPlan) { self.plan = plan }

    mutating func clear() {
        entries.removeAll(keepingCapacity: true)
        cut = 0
    }

    var isEmpty: Bool { entries.isEmpty }
    var byteCount: Int { isEmpty ? 0 : Self.headerBytes + entries.count * 16 }

    /// False when the bytes do not have the format.
    mutating func load(_ section: UnsafeRawBufferPointer) -> Bool {
        guard let view = RetractionView(section) else { return false }
        cut = view.cut
        for i in 0..<view.count { entries.append((view.id(i), view.time(i))) }
        return true
    }

    func save(to output: inout GrowableBytes) {
        output.append(cut)
        output.append(UInt32(truncatingIfNeeded: entries.count))
        for entry in entries { output.append(entry.id) }
        for entry in entries { output.append(entry.time) }
    }

    mutating func insert(_ id: UInt64, time: Int64) {
        var low = 0, high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle] < (id, time) { low = middle + 1 } else { high = middle }
        }
        if low < entries.count, entries[low] == (id, time) { return }
        entries.insert((id, time), at: low)
        guard entries.count > plan.maxIDs else { return }
        let oldest = entries.indices.min { (entries[$0].time, entries[$0].id) < (entries[$1].time, entries[$1].id) }!
        cut = Swift.max(cut, entries[oldest].time)
        entries.remove(at: oldest)
    }

    /// Forgets what cannot matter any more now that the stream's newest event is at `newest`.
    mutating func settle(newest: Int64) {
        let oldest = plan.oldest(newest: newest)
        if cut < oldest { cut = 0 }
        entries.removeAll { $0.time < oldest }
    }
}

/// A section of retractions, read in place.
struct RetractionView {
    let cut: Int64
    let count: Int
    private let bytes: UnsafeRawBufferPointer

    /// Nil when the bytes do not have the format.
    init?(_ section: UnsafeRawBufferPointer) {
        guard section.count >= RetractionSet.headerBytes else { return nil }
        cut = section.loadUnaligned(as: Int64.self)
        count = Int(section.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        bytes = section
        guard count > 0, section.count == RetractionSet.headerBytes + count * 16 else { return nil }
        guard cut == 0 || Store.validTimes.contains(cut) else { return nil }
        for i in 0..<count {
            guard Store.validTimes.contains(time(i)), i == 0 || (id(i - 1), time(i - 1)) < (id(i), time(i)) else { return nil }
        }
    }

    func id(_ i: Int) -> UInt64 { bytes.loadUnaligned(fromByteOffset: RetractionSet.headerBytes + i * 8, as: UInt64.self) }
    func time(_ i: Int) -> Int64 { bytes.loadUnaligned(fromByteOffset: RetractionSet.headerBytes + count * 8 + i * 8, as: Int64.self) }

    /// The newest retraction of an id that is not after `time`.
    func newest(of wanted: UInt64, notAfter limit: Int64) -> Int64? {
        var low = 0, high = count
        while low < high {
            let middle = (low + high) / 2
            if (id(middle), time(middle)) <= (wanted, limit) { low = middle + 1 } else { high = middle }
        }
        return low > 0 && id(low - 1) == wanted ? time(low - 1) : nil
    }
}
