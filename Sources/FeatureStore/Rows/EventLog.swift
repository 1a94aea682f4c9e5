/// The newest events of one stream for one view, themselves, while a row is being changed.
///
///     cut Int64 µs, number of events UInt32, events, newest first by (time, id):
///     time Int64, id UInt64, presence bits, then per field that is present Int64, Int64 per element, or length UInt16 and bytes
///
/// Kept are the newest `maxEvents` of those that the windows can reach. `cut` is the time of the newest event that was left out for want
/// of room, as long as the windows reach it: nothing can be told of windows that do. Both are functions of the set of events: whatever is left
/// out has at least `maxEvents` newer ones, and always will.
struct EventLog: ~Copyable {
    static let headerBytes = 12
    static let entryHeaderBytes = 16

    private let plan: EventLogPlan
    private var bytes = GrowableBytes()
    private var scratch = GrowableBytes()
    /// Events of this batch, put in their places by `settle`.
    private var additions: [Addition] = []

    init(plan: EventLogPlan) { self.plan = plan }

    mutating func clear() {
        bytes.removeAll()
        additions.removeAll(keepingCapacity: true)
    }

    var isEmpty: Bool { bytes.count == 0 }
    var byteCount: Int { bytes.count }

    /// False when the bytes do not have the format.
    mutating func load(_ section: UnsafeRawBufferPointer) -> Bool {
        guard EventLogReader.isWellFormed(section, plan) else { return false }
        bytes.replaceAll(with: section)
        return true
    }

    func save(to output: inout GrowableBytes) { output.append(bytes.bytes) }

    mutating func add(_ addition: Addition) { additions.append(addition) }

    /// Puts the events of this batch in their places and drops what need not be kept now that the stream's newest event is at `newest`.
    mutating func settle(newest: Int64) {
        let oldest = plan.oldest(newest: newest)
        if additions.isEmpty {
            guard bytes.count > 0 else { return }
            let cut: Int64 = bytes.load(at: 0)
            if cut == 0 || cut >= oldest, EventLogReader.oldestTime(of: bytes.bytes, plan) >= oldest { return }
        }
        additions.sort { $0.isNewer(than: $1) }
        var writer = Writer(oldest: oldest, room: plan.maxEvents)
        scratch.removeAll()
        scratch.append(Int64(0))
        scratch.append(UInt32(0))
        var reader = EventLogReader(bytes.bytes, plan)
        var stored = reader.skip()
        var next = 0
        // A merge of two runs, both newest first.
        while !writer.isDone, stored != nil || next < additions.count {
            if let entry = stored, next == additions.count || (entry.time, entry.id) > (additions[next].time, additions[next].id) {
                if writer.takes(entry.time) { scratch.append(entry.bytes) }
                stored = reader.skip()
            } else {
                if writer.takes(additions[next].time) { append(additions[next]) }
                next += 1
            }
        }
        var cut = Swift.max(writer.cut, bytes.count > 0 ? bytes.load(at: 0) : 0)
        if cut < oldest { cut = 0 }
        scratch.store(cut, at: 0)
        scratch.store(UInt32(writer.kept), at: 8)
        additions.removeAll(keepingCapacity: true)
        if writer.kept > 0 { bytes.replaceAll(with: scratch.bytes) } else { bytes.removeAll() }
    }

    private struct Writer {
        let oldest: Int64
        let room: Int
        private(set) var kept = 0
        private(set) var cut: Int64 = 0
        private(set) var isDone = false

        init(oldest: Int64, room: Int) {
            self.oldest = oldest
            self.room = room
        }

        /// Whether the next older event is kept. Once one is not, none is.
        mutating func takes(_ time: Int64) -> Bool {
            if time < oldest {
                isDone = true
            } else if kept == room {
                cut = time
                isDone = true
            } else {
                kept += 1
            }
            return !isDone
        }
    }

    private mutating func append(_ addition: Addition) {
        scratch.append(addition.time)
        scratch.append(addition.id)
        let presence = scratch.count
        for _ in 0..<plan.presenceBytes { scratch.append(UInt8(0)) }
        for (i, field) in plan.fields.enumerated() {
            let value = addition.fields[Int(field)]
            let isString = plan.valueBytes[i] == 0
            if value.isNull || (value.kind == .vector && value.bytes.count != plan.valueBytes[i]) { continue }
            let at = presence + i / 8
            scratch.store(scratch.load(at: at, as: UInt8.self) | 1 << UInt8(i % 8), at: at)
            if isString { scratch.append(UInt16(truncatingIfNeeded: value.bytes.count)) }
            if value.kind == .integer { scratch.append(value.word) } else { scratch.append(value.bytes) }
        }
    }
}

/// Reads a section of kept events, newest first. The section is well formed: whoever has it has checked it.
struct EventLogReader {
    private let bytes: UnsafeRawBufferPointer
    private let plan: EventLogPlan
    private var at: Int

    init(_ bytes: UnsafeRawBufferPointer, _ plan: EventLogPlan) {
        self.bytes = bytes
        self.plan = plan
        at = EventLog.headerBytes
    }

    static func cut(_ section: UnsafeRawBufferPointer) -> Int64 { section.count > 0 ? section.loadUnaligned(as: Int64.self) : 0 }

    static func count(_ section: UnsafeRawBufferPointer) -> Int {
        section.count > 0 ? Int(section.loadUnaligned(fromByteOffset: 8, as: UInt32.self)) : 0
    }

    /// The time of the last event; there is at least one.
    static func oldestTime(of section: UnsafeRawBufferPointer, _ plan: EventLogPlan) -> Int64 {
        var reader = EventLogReader(section, plan)
        var oldest = Int64.max
        while let entry = reader.skip() { oldest = entry.time }
        return oldest
    }

    /// The next event as it lies there.
    mutating func skip() -> (time: Int64, id: UInt64, bytes: UnsafeRawBufferPointer)? {
        guard at < bytes.count else { return nil }
        let start = at
        at += EventLog.entryHeaderBytes + plan.presenceBytes
        for i in plan.fields.indices where isPresent(i, start) { at += valueBytes(i, at) }
        return (
            bytes.loadUnaligned(fromByteOffset: start, as: Int64.self), bytes.loadUnaligned(fromByteOffset: start + 8, as: UInt64.self),
            UnsafeRawBufferPointer(rebasing: bytes[start..<at]))
    }

    /// The next event, its values put where the stream's fields have them; the others there are left alone.
    mutating func next(into fields: UnsafeMutablePointer<FieldValue>) -> (time: Int64, id: UInt64)? {
        guard at < bytes.count else { return nil }
        let start = at
        at += EventLog.entryHeaderBytes + plan.presenceBytes
        for (i, field) in plan.fields.enumerated() {
            guard isPresent(i, start) else {
                fields[Int(field)] = .null
                continue
            }
            let length = valueBytes(i, at)
            switch plan.valueBytes[i] {
            case 0: fields[Int(field)] = .string(UnsafeRawBufferPointer(rebasing: bytes[at + 2..<at + length]))
            case 8 where !plan.isVector[i]: fields[Int(field)] = .integer(bytes.loadUnaligned(fromByteOffset: at, as: Int64.self))
            default: fields[Int(field)] = .vector(UnsafeRawBufferPointer(rebasing: bytes[at..<at + length]))
            }
            at += length
        }
        return (
            bytes.loadUnaligned(fromByteOffset: start, as: Int64.self), bytes.loadUnaligned(fromByteOffset: start + 8, as: UInt64.self))
    }

    private func isPresent(_ i: Int, _ entry: Int) -> Bool {
        bytes[entry + EventLog.entryHeaderBytes + i / 8] & 1 << UInt8(i % 8) != 0
    }

    private func valueBytes(_ i: Int, _ at: Int) -> Int {
        plan.valueBytes[i] == 0 ? 2 + Int(bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self)) : plan.valueBytes[i]
    }

    /// Whether a section is a whole number of events that have times, in order, with values that fit.
    static func isWellFormed(_ section: UnsafeRawBufferPointer, _ plan: EventLogPlan) -> Bool {
        guard section.count >= EventLog.headerBytes else { return false }
        var left = count(section)
        guard left > 0 else { return false }
        var at = EventLog.headerBytes
        var last = (Int64.max, UInt64.max)
        while at < section.count {
            guard left > 0, EventLog.entryHeaderBytes + plan.presenceBytes <= section.count - at else { return false }
            let key = (section.loadUnaligned(fromByteOffset: at, as: Int64.self), section.loadUnaligned(fromByteOffset: at + 8, as: UInt64.self))
            guard Store.validTimes.contains(key.0), key <= last else { return false }
            last = key
            let presence = at + EventLog.entryHeaderBytes
            at = presence + plan.presenceBytes
            for i in plan.fields.indices where section[presence + i / 8] & 1 << UInt8(i % 8) != 0 {
                var needed = plan.valueBytes[i] == 0 ? 2 : plan.valueBytes[i]
                guard needed <= section.count - at else { return false }
                if plan.valueBytes[i] == 0 { needed += Int(section.loadUnaligned(fromByteOffset: at, as: UInt16.self)) }
                guard needed <= section.count - at else { return false }
                at += needed
            }
            left -= 1
        }
        let cut = cut(section)
        return left == 0 && (cut == 0 || (Store.validTimes.contains(cut) && cut <= last.0))
    }
}
