/// Makes the explanation of a value from the rows that it was read from.
///
/// Values come from `RowReader`, the partial ones of tiles from `ViewReader` given that tile alone: what a lookup does is not done a
/// second time here, only shown.
struct Explainer {
    /// What one shard has of the entity.
    struct Source {
        var status: ShardStatus
        /// The shard's own, with its ids.
        var plan: EntityPlan
        var row: RowReader.Row?
        var drops: RowDrops
    }

    let catalog: Catalog
    let entity: Int
    let sources: [Source]
    let time: Int64
    /// The shard that is too far behind, and the limit; nil: none is.
    let behind: (shard: Int, freshness: Microseconds?, limit: Microseconds)?
    /// What the service says of the feature that is asked for.
    let said: ServedFeature?

    var definitions: Definitions { catalog.definitions }
    var views: [ViewPlan] { catalog.entities[entity].views }
    var rows: [RowReader.Row] { sources.compactMap(\.row) }

    /// A feature and all that it is derived from, each once, users first.
    static func closure(of feature: Int, in catalog: Catalog) -> [Int] {
        var all: [Int] = []
        func add(_ feature: Int) {
            if all.contains(feature) { return }
            all.append(feature)
            if case .derived(_, let inputs) = catalog.features[feature].source { for input in inputs { add(input) } }
        }
        add(feature)
        return all
    }

    /// `values` are those of `features`, as the lookup gave them.
    func features(_ features: [Int], _ values: [FeatureValue]) throws(CorruptRow) -> [Explanation.Feature] {
        var explained: [Explanation.Feature] = []
        for (index, value) in zip(features, values) {
            let entry = catalog.features[index]
            switch entry.source {
            case .view(let view, let definition):
                let origin = try origin(index, views[view], definition)
                explained.append(.init(
                    name: entry.name, type: entry.type, value: value, reason: reason(value, definition, origin),
                    defaultValue: entry.defaultValue, ttl: definition.ttl, origin: .view(origin)))
            case .input:
                explained.append(.init(
                    name: entry.name, type: entry.type, value: value, reason: "It comes with the request; an explanation is given none.",
                    defaultValue: entry.defaultValue, ttl: nil, origin: .input))
            case .derived(_, let inputs):
                let expression = definitions.derived.first { $0.name == entry.name && $0.entity == definitions.entities[entity].name }?.expression
                let read = inputs.map { (catalog.features[$0].name, values[features.firstIndex(of: $0)!]) }
                explained.append(.init(
                    name: entry.name, type: entry.type, value: value, reason: reason(value, entry.defaultValue, inputs: read),
                    defaultValue: entry.defaultValue, ttl: nil,
                    origin: .derived(
                        expression: (expression ?? "").split { $0.isWhitespace }.joined(separator: " "), inputs: read.map(\.0))))
            }
        }
        if let said { explained[0].note(said) }
        return explained
    }

    func shards() -> [Explanation.ShardPart] {
        sources.map { source in
            Explanation.ShardPart(
                status: source.status, rowBytes: source.row?.bytes.count,
                drops: source.plan.streams.map { stream in
                    let counts = source.drops[stream: stream.id]
                    return .init(
                        stream: definitions.streams[stream.index].name, duplicate: counts.duplicate, late: counts.late, future: counts.future)
                })
        }
    }

    // MARK: Features of views

    private func origin(
        _ feature: Int, _ view: ViewPlan, _ definition: FeatureDefinition
    ) throws(CorruptRow) -> Explanation.ViewOrigin {
        let plan = ReadPlan(features: [feature], catalog: catalog, entity: entity)
        let read = plan.views[0]
        let left = read.windows[0].window.leftEdge(at: time)
        let stream = definitions.streams[view.stream]
        var parts: [Explanation.RowPart] = []
        let events = view.keepsEvents ? try EventListing(view, read.view, rows, definitions, at: time) : nil
        for (i, source) in sources.filter({ $0.row != nil }).enumerated() {
            let row = source.row!
            let facts = try streamFacts(of: source.plan.streams[read.stream].id, in: row.bytes)
            let alone = try RowReader.values(plan, rows: [row], at: time)[0]
            let (content, isComplete) =
                if let events { (Explanation.Content.events(events.list(row: i, from: left)), events.parts[i].knows(left)) }
                else { try content(plan, view, row, left) }
            parts.append(.init(
                shard: source.status.shard, newest: facts?.newest, idFloor: facts?.idFloor, rememberedIDs: facts?.ids ?? 0,
                since: read.view < row.since.count ? row.since[read.view] : nil, value: alone, isComplete: isComplete, content: content))
        }
        return Explanation.ViewOrigin(
            view: view.definition.name, stream: stream.name, filter: view.definition.filter,
            aggregation: definition.aggregation.description, aggregationInWords: definition.aggregation.words,
            viewFingerprint: view.fingerprint(in: definitions), streamFingerprint: stream.fingerprint,
            window: bounds(definition, view, left), history: view.definition.history, rows: parts)
    }

    private func bounds(_ feature: FeatureDefinition, _ view: ViewPlan, _ left: Int64?) -> Explanation.WindowBounds {
        switch feature.window {
        case .sliding(let length, let hop):
            let isExact = hop == Window.exactHop
            return .init(
                name: Definitions.written(length, in: feature.name), left: left, right: time, hop: isExact ? nil : hop,
                bound: isExact ? "exact" : Definitions.bound(length: length, hop: hop), excess: left.map { time - $0 - length })
        case .calendar(let window):
            return .init(
                name: "\(window.unit.rawValue), \(window.days.zone)", left: left, right: time,
                hop: view.keepsEvents ? nil : CalendarWindow.hop, bound: "exact", excess: left.map { window.start(at: time) - $0 })
        case .lifetime:
            return .init(name: "lifetime", left: nil, right: time, hop: nil, bound: "exact", excess: nil)
        }
    }

    private func streamFacts(
        of id: UInt16, in row: UnsafeRawBufferPointer
    ) throws(CorruptRow) -> (newest: Int64, idFloor: Int64?, ids: Int)? {
        var found: UnsafeRawBufferPointer?
        let whole = RowFormat.sections(of: row) { kind, sectionID, bytes in
            if kind == RowFormat.SectionKind.stream.rawValue, sectionID == id { found = bytes }
        }
        guard whole else { throw CorruptRow(what: "header or directory") }
        guard let found else { return nil }
        guard found.count >= StreamSection.headerBytes else { throw CorruptRow(what: "stream section \(id)") }
        let floor = found.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
        return (
            found.loadUnaligned(as: Int64.self), floor == 0 ? nil : Int64(floor) * 1_000_000,
            Int(found.loadUnaligned(fromByteOffset: 12, as: UInt32.self)))
    }

    private func content(
        _ plan: ReadPlan, _ view: ViewPlan, _ row: RowReader.Row, _ left: Int64?
    ) throws(CorruptRow) -> (Explanation.Content, isComplete: Bool) {
        var damage: CorruptRow?
        var result: (Explanation.Content, Bool)?
        withUnsafeTemporaryAllocation(of: RowPart.self, capacity: 1) { parts in
            do throws(CorruptRow) {
                try RowPart.locate(plan, in: row, into: parts, first: 0, step: 1)
                try parts[0].open(view)
                let (_, finish) = plan.views[0].features[0]
                if let column = finish.sequence {
                    let sequence = SequenceReader(parts: parts, view: view, index: column, left: left, time: time)
                    result = (.entries(Self.entries(sequence, finish)), sequence.isKnown)
                } else {
                    let isKnown = parts[0].reaches(plan.views[0].windows[0].window, of: view.levels, left: left, at: time)
                    result = (.tiles(TileListing(plan.views[0], view, time).list(parts[0], from: left)), isKnown)
                }
            } catch { damage = error }
        }
        if let damage { throw damage }
        return result!
    }

    private static func entries(_ sequence: SequenceReader, _ finish: ReadPlan.Finish) -> [Explanation.Entry] {
        var entries: [Explanation.Entry] = []
        sequence.forEach { entry in
            let value: Value =
                switch finish {
                case .last(_, let type), .list(_, _, _, let type): SequenceReader.value(of: entry, type)
                default: .null
                }
            entries.append(.init(time: entry.time, value: value))
            return true
        }
        return entries
    }
}

/// The tiles of one view in one row, each finished alone.
private struct TileListing {
    let read: ReadPlan.ViewRead
    let view: ViewPlan
    let time: Int64

    init(_ read: ReadPlan.ViewRead, _ view: ViewPlan, _ time: Int64) {
        self.read = read
        self.view = view
        self.time = time
    }

    func list(_ part: RowPart, from left: Int64?) -> Explanation.Tiles {
        var tiles = Explanation.Tiles()
        let newest = part.newest
        var at = 0
        while at < part.tiles.count {
            let bytes = tile(of: part.tiles, at: at)
            at += bytes.count
            let start = Int64(bytes.loadUnaligned(as: UInt32.self)) * 1_000_000
            if start > time {
                tiles.newerCount += 1
            } else if let left, start < left || start == Levels.lifetimeStart {
                if tiles.leftOut.count < Explanation.Tiles.leftOutShown {
                    tiles.leftOut.append(described(bytes, start, newest))
                } else {
                    tiles.olderCount += 1
                }
            } else {
                tiles.contributing.append(described(bytes, start, newest))
            }
        }
        return tiles
    }

    /// The bytes of one tile; they are well formed.
    private func tile(of tiles: UnsafeRawBufferPointer, at: Int) -> UnsafeRawBufferPointer {
        let variable = view.headerBytes > 4 ? Int(tiles.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self)) : 0
        return UnsafeRawBufferPointer(rebasing: tiles[at..<at + view.headerBytes + view.fixedBytes + variable])
    }

    private func described(_ bytes: UnsafeRawBufferPointer, _ start: Int64, _ newest: Int64) -> Explanation.Tile {
        let isLifetime = start == Levels.lifetimeStart
        let end = isLifetime ? view.levels.oldest(newest: newest) : view.levels.hop(at: start, newest: newest).map { start + $0 }
        return .init(start: isLifetime ? nil : start, end: end, partial: partial(bytes))
    }

    private func partial(_ tile: UnsafeRawBufferPointer) -> Value {
        var part = RowPart(sequences: .init(start: nil, count: 0), tiles: tile)
        var slots = [FeatureValue(value: .null, status: .missing, newestEventTime: nil)]
        let whole = ReadPlan.WindowRead(window: .lifetime, features: read.windows[0].features)
        withUnsafeMutablePointer(to: &part) { part in
            var slots = slots.mutableSpan
            ViewReader(read: read, parts: .init(start: part, count: 1), time: time).finish(only: whole, into: &slots)
        }
        return slots[0].value
    }
}
