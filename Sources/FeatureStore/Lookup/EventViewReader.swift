/// Finishes the features of one view that keeps events.
///
/// The events of a window are added to one tile by the code that adds events to tiles, and the tile is read by the code that reads
/// tiles; so every aggregation is here what it is elsewhere. Windows are nested, so the tile of a shorter one goes on into the next
/// longer one. O(events + windows), with the memory of the events.
struct EventViewReader {
    private let read: ReadPlan.ViewRead
    /// One per row.
    private let parts: [EventPart]
    private let time: Int64

    private var view: ViewPlan { read.plan }

    init(_ read: ReadPlan.ViewRead, rows: Span<RowReader.Row>, time: Int64) throws(CorruptRow) {
        self.read = read
        self.time = time
        var parts: [EventPart] = []
        for i in rows.indices { parts.append(try EventPart(read.view, read.plan, in: rows[i])) }
        self.parts = parts
    }

    func finish(into slots: inout MutableSpan<FeatureValue>) {
        let attribution = Attribution(parts, view, at: time)
        var memory = EventMemory(parts, before: time)
        defer { memory.deallocate() }
        memory.fill(parts, attribution)

        var sequences = GrowableBytes(), tile = GrowableBytes()
        _ = SequenceCells.rewrite(
            UnsafeRawBufferPointer(start: nil, count: 0), plan: view, newest: time, oldest: .min,
            additions: UnsafeBufferPointer(memory.events), into: &sequences)
        let newest = memory.events.last?.time
        let cells = TileCells(plan: view)
        // Of the second of the request: inside every window.
        if view.hasTiles { cells.create(start: UInt32(time / 1_000_000), at: 0, in: &tile) }
        var next = memory.events.count - 1
        read.forEachWindow(at: time) { window in
            let left = window.window.leftEdge(at: time)
            let end = next + 1
            while next >= 0, left == nil || memory.events[next].time >= left! { next -= 1 }
            if view.hasTiles { cells.add(UnsafeBufferPointer(rebasing: memory.events[next + 1..<end]), toTileAt: 0, in: &tile) }
            let needed = left.map { $0 - (view.definition.attribution?.within ?? 0) }
            if parts.contains(where: { $0.since.map { (needed ?? .min) < $0 } ?? false }) {
                set(window, FeatureValue(value: .null, status: .warming, newestEventTime: newest), &slots)
            } else if !parts.allSatisfy({ $0.knows(left) }) {
                set(window, FeatureValue(value: .null, status: .missing, newestEventTime: newest, isForgotten: true), &slots)
            } else {
                var part = RowPart(sequences: sequences.bytes, tiles: tile.bytes)
                withUnsafeMutablePointer(to: &part) { part in
                    ViewReader(read: read, parts: .init(start: part, count: 1), time: time).finish(only: window, into: &slots)
                }
                for i in read.conversions where window.features.contains(i) {
                    divide(&slots[read.features[i].slot], by: attribution?.count(from: left) ?? 0)
                }
            }
        }
    }

    private func set(_ window: ReadPlan.WindowRead, _ value: FeatureValue, _ slots: inout MutableSpan<FeatureValue>) {
        for i in window.features { slots[read.features[i].slot] = value }
    }

    private func divide(_ value: inout FeatureValue, by count: Int) {
        guard case .int(let events) = value.value, count > 0 else {
            value.value = .null
            value.status = .missing
            return
        }
        value.value = .double(Double(events) / Double(count))
    }
}

/// The events of a view up to a time, over all rows, oldest first, with room for their values.
private struct EventMemory {
    private(set) var events: UnsafeMutableBufferPointer<Addition>
    private let room: UnsafeMutableBufferPointer<Addition>
    private let values: UnsafeMutablePointer<FieldValue>
    private let time: Int64

    init(_ parts: [EventPart], before time: Int64) {
        self.time = time
        let count = parts.reduce(0) { $0 + EventLogReader.count($1.own.section) }
        let fields = parts.first?.own.log.fieldCount ?? 0
        room = .allocate(capacity: count)
        events = UnsafeMutableBufferPointer(rebasing: room[..<0])
        values = .allocate(capacity: count * fields)
        values.initialize(repeating: .null, count: count * fields)
    }

    func deallocate() {
        room.deallocate()
        values.deallocate()
    }

    /// Takes what is not after the time, not retracted, and attributed where that is asked for.
    mutating func fill(_ parts: [EventPart], _ attribution: Attribution?) {
        var count = 0
        var room = values
        for part in parts {
            var reader = EventLogReader(part.own.section, part.own.log)
            while let event = reader.next(into: room) {
                guard event.time <= time,
                    EventPart.standing(id: event.id, time: event.time, fields: room, parts, attribution, at: time) == .counts
                else { continue }
                self.room.initializeElement(at: count, to: .init(time: event.time, id: event.id, fields: room))
                count += 1
                room += part.own.log.fieldCount
            }
        }
        events = UnsafeMutableBufferPointer(rebasing: self.room[..<count])
        if parts.count == 1 { events.reverse() } else { events.sort { $1.isNewer(than: $0) } }
    }
}
