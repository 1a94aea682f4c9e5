/// The ids that one stream's events have retracted, while a row is being changed: each with the second of its newest retraction.
///
///     cut UInt32 s, number of ids UInt32, ids UInt64 × n, ascending, their seconds UInt32 × n
///
/// Remembered are the newest `maxIDs` of those that can still matter. `cut` is the second of the newest one that was left out for want of
/// room, as long as it could matter.
struct RetractionSet: ~Copyable {
    static let headerBytes = 8

    private let plan: RetractionPlan
    private var ids: [UInt64] = []
    private var seconds: [UInt32] = []
    private var cut: UInt32 = 0

    init(plan: RetractionPlan) { self.plan = plan }

    mutating func clear() {
        ids.removeAll(keepingCapacity: true)
        seconds.removeAll(keepingCapacity: true)
        cut = 0
    }

    var isEmpty: Bool { ids.isEmpty }
    var byteCount: Int { isEmpty ? 0 : Self.headerBytes + ids.count * 12 }

    /// False when the bytes do not have the format.
    mutating func load(_ section: UnsafeRawBufferPointer) -> Bool {
        guard let view = RetractionView(section) else { return false }
        cut = view.cut
        for i in 0..<view.count {
            ids.append(view.id(i))
            seconds.append(view.second(i))
        }
        return true
    }

    func save(to output: inout GrowableBytes) {
        output.append(cut)
        output.append(UInt32(truncatingIfNeeded: ids.count))
        for id in ids { output.append(id) }
        for second in seconds { output.append(second) }
    }

    mutating func insert(_ id: UInt64, time: Int64) {
        let second = UInt32(clamping: time / 1_000_000)
        var low = 0, high = ids.count
        while low < high {
            let middle = (low + high) / 2
            if ids[middle] < id { low = middle + 1 } else { high = middle }
        }
        if low < ids.count, ids[low] == id {
            seconds[low] = Swift.max(seconds[low], second)
            return
        }
        ids.insert(id, at: low)
        seconds.insert(second, at: low)
        guard ids.count > plan.maxIDs else { return }
        let last = ids.indices.min { (seconds[$0], ids[$0]) < (seconds[$1], ids[$1]) }!
        cut = Swift.max(cut, seconds[last])
        ids.remove(at: last)
        seconds.remove(at: last)
    }

    /// Forgets what cannot matter any more now that the stream's newest event is at `newest`.
    mutating func settle(newest: Int64) {
        let oldest = plan.oldestSecond(newest: newest)
        if cut < oldest { cut = 0 }
        guard seconds.contains(where: { $0 < oldest }) else { return }
        var kept = 0
        for i in ids.indices where seconds[i] >= oldest {
            ids[kept] = ids[i]
            seconds[kept] = seconds[i]
            kept += 1
        }
        ids.removeLast(ids.count - kept)
        seconds.removeLast(seconds.count - kept)
    }
}

/// A section of retractions, read in place.
struct RetractionView {
    let cut: UInt32
    let count: Int
    private let bytes: UnsafeRawBufferPointer

    /// Nil when the bytes do not have the format.
    init?(_ section: UnsafeRawBufferPointer) {
        guard section.count >= RetractionSet.headerBytes else { return nil }
        cut = section.loadUnaligned(as: UInt32.self)
        count = Int(section.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        bytes = section
        guard count > 0, section.count == RetractionSet.headerBytes + count * 12 else { return nil }
        for i in 1..<Swift.max(count, 1) where id(i - 1) >= id(i) { return nil }
    }

    func id(_ i: Int) -> UInt64 { bytes.loadUnaligned(fromByteOffset: RetractionSet.headerBytes + i * 8, as: UInt64.self) }
    func second(_ i: Int) -> UInt32 { bytes.loadUnaligned(fromByteOffset: RetractionSet.headerBytes + count * 8 + i * 4, as: UInt32.self) }

    /// The second of the newest retraction of an id.
    func second(of wanted: UInt64) -> UInt32? {
        var low = 0, high = count
        while low < high {
            let middle = (low + high) / 2
            if id(middle) < wanted { low = middle + 1 } else { high = middle }
        }
        return low < count && id(low) == wanted ? second(low) : nil
    }
}
