/// Reads every row of shards for a `RetentionReport`.
struct RetentionScan {
    private(set) var report: RetentionReport
    /// Of idle rows, the ids as they are stored, if they are wanted.
    private(set) var idle: [(entity: String, key: String)] = []
    private let idleBefore: Int64?

    /// `idleBefore`: rows whose newest event is older are listed.
    init(_ definitions: Definitions, now: Int64, idleBefore: Int64? = nil) {
        report = RetentionReport(time: now)
        self.idleBefore = idleBefore
        for entity in Catalog(definitions).entities where !entity.views.isEmpty {
            report.ages.append(.init(entity.name))
            report.parts += Self.sections(entity, definitions).map(\.part)
        }
    }

    /// What a section of a row is, and how far back it may reach given its stream's newest event.
    private struct Section {
        var part: RetentionReport.Part
        var kind: RowFormat.SectionKind
        var id: UInt16
        /// Position of its stream in `EntityPlan.streams`.
        var stream: Int
        var bound: (Int64) -> Int64
        /// Of its bytes; nil: nothing that has a time.
        var oldest: (UnsafeRawBufferPointer) -> Int64?
    }

    private static func sections(_ entity: EntityPlan, _ definitions: Definitions) -> [Section] {
        func part(_ kind: RetentionReport.Part.Kind, _ name: String, _ declared: Microseconds?) -> RetentionReport.Part {
            .init(entity: entity.name, kind: kind, name: name, declared: declared)
        }
        var sections: [Section] = []
        for view in entity.views where !view.keepsEvents {
            let levels = view.levels
            let declared = levels.hasLifetime ? nil : levels.levels.last.map { levels.history + $0.reach + $0.hop }
            sections.append(.init(
                part: part(.view, view.definition.name, declared), kind: .view, id: view.id,
                stream: entity.streams.firstIndex { $0.index == view.stream } ?? 0,
                bound: { levels.hasLifetime ? .min : levels.oldest(newest: $0) ?? .min }, oldest: { oldestTile($0, view) }))
        }
        for log in entity.logs {
            let name = entity.views.first { $0.id == log.id }?.definition.name ?? ""
            sections.append(.init(
                part: part(log.kind == .view ? .view : .attribution, name, log.span), kind: log.kind, id: log.id, stream: log.stream,
                bound: { log.oldest(newest: $0) }, oldest: { EventLogReader.isWellFormed($0, log) ? EventLogReader.oldestTime(of: $0, log) : nil }))
        }
        for (position, stream) in entity.streams.enumerated() where stream.hasIDs {
            let second: Int64 = 1_000_000
            sections.append(.init(
                part: part(.ids, definitions.streams[stream.index].name, stream.allowedLateness + second), kind: .stream, id: stream.id,
                stream: position, bound: { floorDown($0 - stream.allowedLateness, second) }, oldest: oldestID))
        }
        for retractions in entity.retractions {
            sections.append(.init(
                part: part(.retractions, definitions.streams[entity.streams[retractions.stream].index].name, retractions.span.map { $0 + retractions.margin }),
                kind: .retractions, id: entity.streams[retractions.stream].id, stream: retractions.stream,
                bound: { retractions.oldest(newest: $0) }, oldest: oldestRetraction))
        }
        return sections
    }

    /// Reads a shard, some thousand rows in a transaction, so that none is long.
    mutating func read(_ shard: Shard) throws {
        report.shards += 1
        var firstPart = 0, ofEntity = 0
        for entity in shard.catalog.entities where !entity.views.isEmpty {
            let sections = Self.sections(entity, shard.catalog.definitions)
            try shard.forEachRowInChunks(entity: entity.index) { key, row in
                note(row, key, entity, sections, firstPart, ofEntity)
                return true
            }
            firstPart += sections.count
            ofEntity += 1
        }
    }

    private mutating func note(
        _ row: UnsafeRawBufferPointer, _ key: UnsafeRawBufferPointer, _ entity: EntityPlan, _ sections: [Section], _ firstPart: Int, _ ofEntity: Int
    ) {
        report.rows += 1
        var newest: [Int64?] = Array(repeating: nil, count: entity.streams.count)
        var found: [(section: Int, bytes: UnsafeRawBufferPointer)] = []
        let isWhole = RowFormat.sections(of: row) { kind, id, bytes in
            if kind == RowFormat.SectionKind.stream.rawValue, bytes.count >= StreamSection.headerBytes,
                let position = entity.streams.firstIndex(where: { $0.id == id })
            {
                newest[position] = bytes.loadUnaligned(as: Int64.self)
            }
            for (i, section) in sections.enumerated() where section.kind.rawValue == kind && section.id == id { found.append((i, bytes)) }
        }
        guard isWhole, let last = newest.compactMap({ $0 }).max() else {
            report.damaged += 1
            return
        }
        let age = report.time - last
        report.ages[ofEntity].rows[RetentionReport.Ages.bounds.firstIndex { age <= $0 } ?? RetentionReport.Ages.bounds.count] += 1
        if let idleBefore, last < idleBefore { idle.append((entity.name, entity.text(ofStoredKey: key))) }
        for (i, bytes) in found {
            let section = sections[i]
            guard let newest = newest[section.stream] else { continue }
            report.parts[firstPart + i].note(
                oldest: section.oldest(bytes), newest: newest, bound: section.bound(newest), boundNow: section.bound(Swift.max(newest, report.time)))
        }
    }

    // MARK: Sections

    /// Of the tiles and of the times of the sequences; a lifetime tile has none.
    private static func oldestTile(_ bytes: UnsafeRawBufferPointer, _ view: ViewPlan) -> Int64? {
        guard bytes.count >= 4 else { return nil }
        let sequenceBytes = Int(bytes.loadUnaligned(as: UInt32.self))
        guard sequenceBytes <= bytes.count - 4 else { return nil }
        var oldest: Int64?
        if sequenceBytes >= 12 {
            let count = Int(bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            if count > 0, 4 + count * 8 <= sequenceBytes { oldest = bytes.loadUnaligned(fromByteOffset: 8 + (count - 1) * 8, as: Int64.self) }
        }
        let tiles = UnsafeRawBufferPointer(rebasing: bytes[(4 + sequenceBytes)...])
        guard TileWalk.isWellFormed(tiles, plan: view) else { return oldest }
        var at = 0
        while at < tiles.count {
            let start = Int64(tiles.loadUnaligned(fromByteOffset: at, as: UInt32.self)) * 1_000_000
            if start != Levels.lifetimeStart { oldest = Swift.min(oldest ?? start, start) }
            at += view.headerBytes + view.fixedBytes
            if !view.variableColumns.isEmpty {
                at += Int(tiles.loadUnaligned(fromByteOffset: at - view.fixedBytes - 4, as: UInt32.self))
            }
        }
        return oldest
    }

    /// Ids are ordered by second, descending.
    private static func oldestID(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        guard bytes.count >= StreamSection.headerBytes else { return nil }
        let count = Int(bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
        guard count > 0, bytes.count == StreamSection.headerBytes + count * 12 else { return nil }
        return Int64(bytes.loadUnaligned(fromByteOffset: bytes.count - 4, as: UInt32.self)) * 1_000_000
    }

    private static func oldestRetraction(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        guard let view = RetractionView(bytes) else { return nil }
        return (0..<view.count).map { view.time($0) }.min()
    }
}

extension Store {
    /// What the shards of this process keep, and for how long. Reads every row.
    @available(*, noasync)
    public func retentionReport(now: Int64 = Store.now()) throws -> RetentionReport { try scan(RetentionScan(definitions, now: now)).report }

    /// Entities and keys of the rows whose newest event is older than `limit`; pseudonyms where ids are not kept.
    @available(*, noasync)
    public func idleRows(olderThan limit: Microseconds, now: Int64 = Store.now()) throws -> [(entity: String, key: String)] {
        try scan(RetentionScan(definitions, now: now, idleBefore: now - limit)).idle
    }

    private func scan(_ empty: RetentionScan) throws -> RetentionScan {
        var scan = empty
        for shard in shards { try scan.read(shard) }
        return scan
    }
}
