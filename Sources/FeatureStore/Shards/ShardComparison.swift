internal import LMDB

/// Two shards of the same partition held against each other, section by section: by digest, and where these differ, row by row.
///
/// Equal sets of events give equal bytes, so any difference is one in what was applied. Ids in the rows may differ; sections are told by name.
public struct ShardComparison: Sendable {
    /// Rows that have a section, and a hash over their keys and sections in key order.
    public struct Digest: Sendable, Equatable {
        public var rows = 0
        public var hash: UInt64 = 0

        mutating func add(key: UnsafeRawBufferPointer, section: UnsafeRawBufferPointer) {
            rows += 1
            hash = XXHash64.hash(section, seed: XXHash64.hash(key, seed: hash))
        }
    }

    /// One view or one stream's part of the rows of an entity.
    public struct Part: Sendable {
        /// `retractions`: what a stream has retracted; `attribution`: the events that a view's are attributed to.
        public enum Kind: String, Sendable { case stream, view, retractions, attribution }
        public var entity: String
        public var kind: Kind
        public var name: String
        public var live = Digest()
        public var rebuilt = Digest()
        /// Why it is not compared; nil: it is.
        public var skipped: String?
        public var isEqual: Bool { skipped != nil || live == rebuilt }
    }

    /// One section of one row.
    public struct Difference: Sendable {
        public var entity: String
        public var key: String
        public var kind: Part.Kind
        public var name: String
        /// What is wrong besides values, such as a row that only one of the shards has.
        public var note: String
        /// When the values are of: the row's newest event, µs.
        public var time: Int64
        /// The view's features that differ at `time`; nil: no such row.
        public var features: [(name: String, live: FeatureValue?, rebuilt: FeatureValue?)]
    }

    public private(set) var parts: [Part] = []
    /// The first of all that there are.
    public private(set) var differences: [Difference] = []
    public private(set) var differenceCount = 0

    public var isEqual: Bool { differenceCount == 0 && parts.allSatisfy(\.isEqual) }

    /// Compares all rows. Both shards were opened with the same definitions, and nobody writes to them. At most `limit` differences are kept.
    /// O(rows); four passes over the rows where they differ, two where they do not.
    @available(*, noasync)
    public init(live: Shard, rebuilt: Shard, limit: Int = 20) throws {
        for entity in live.catalog.entities.indices where !live.catalog.entities[entity].views.isEmpty {
            let first = parts.count
            parts += Self.parts(live, rebuilt, entity)
            let ofEntity = first..<parts.count
            let damagedLive = try Self.digest(live, entity) { parts[first + $0].live.add(key: $1, section: $2) }
            let damagedRebuilt = try Self.digest(rebuilt, entity) { parts[first + $0].rebuilt.add(key: $1, section: $2) }
            if damagedLive + damagedRebuilt == 0, parts[ofEntity].allSatisfy(\.isEqual) { continue }
            try list(live, rebuilt, entity, Array(parts[ofEntity]), limit)
        }
    }

    private static func parts(_ live: Shard, _ rebuilt: Shard, _ entity: Int) -> [Part] {
        let plan = live.catalog.entities[entity]
        return Sections.names(live, entity).map { kind, name in
            var part = Part(entity: plan.name, kind: kind, name: name)
            if kind == .view || kind == .attribution,
                let view = plan.views.firstIndex(where: { $0.definition.name == name }), live.since[entity][view] != rebuilt.since[entity][view]
            {
                part.skipped = "the view was added later and has not seen every event"
            }
            if plan.isSingleton, live.hasErasures || rebuilt.hasErasures {
                part.skipped = "a singleton keeps what it took of events before their customer was erased, and nothing made anew has that"
            }
            return part
        }
    }

    /// Calls `body` with each section that the shard's definitions know: the part's index, key, bytes. Returns how many rows are damaged.
    private static func digest(
        _ shard: Shard, _ entity: Int, _ body: (Int, UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void
    ) throws -> Int {
        let sections = Sections(shard, entity)
        var damaged = 0
        try shard.forEachRow(entity: entity) { key, row in
            if !sections.forEach(row, { body($0, key, $1) }) { damaged += 1 }
            return true
        }
        return damaged
    }

    /// Which section of a shard's rows is which part.
    private struct Sections {
        private var index: [UInt32: Int] = [:]
        let count: Int

        init(_ shard: Shard, _ entity: Int) {
            let all = Self.all(shard, entity)
            for (i, section) in all.enumerated() { index[Self.key(section.kind.rawValue, section.id)] = i }
            count = all.count
        }

        /// The parts, in the same order for every shard of the same definitions.
        static func names(_ shard: Shard, _ entity: Int) -> [(kind: Part.Kind, name: String)] {
            all(shard, entity).map { section in
                let kind: Part.Kind = switch section.kind {
                case .stream: .stream
                case .view: .view
                case .retractions: .retractions
                case .attribution: .attribution
                }
                return (kind, section.name)
            }
        }

        private static func all(_ shard: Shard, _ entity: Int) -> [(kind: RowFormat.SectionKind, id: UInt16, name: String)] {
            let plan = shard.catalog.entities[entity], definitions = shard.catalog.definitions
            func name(_ stream: Int) -> String { definitions.streams[plan.streams[stream].index].name }
            return plan.streams.indices.map { (.stream, plan.streams[$0].id, name($0)) }
                + plan.views.map { (.view, $0.id, $0.definition.name) }
                + plan.retractions.map { (.retractions, plan.streams[$0.stream].id, name($0.stream)) }
                + plan.views.filter { $0.definition.attribution != nil }.map { (.attribution, $0.id, $0.definition.name) }
        }

        private static func key(_ kind: UInt8, _ id: UInt16) -> UInt32 { UInt32(kind) << 16 | UInt32(id) }

        /// False when the row is damaged.
        func forEach(_ row: UnsafeRawBufferPointer, _ body: (Int, UnsafeRawBufferPointer) -> Void) -> Bool {
            RowFormat.sections(of: row) { kind, id, bytes in
                if let part = index[Self.key(kind, id)] { body(part, bytes) }
            }
        }

        /// The bytes of each part; nil when there is no row. False: it is damaged.
        func split(_ row: UnsafeRawBufferPointer?) -> (isWhole: Bool, bytes: [UnsafeRawBufferPointer?]) {
            var bytes = [UnsafeRawBufferPointer?](repeating: nil, count: count)
            guard let row else { return (true, bytes) }
            let isWhole = forEach(row) { bytes[$0] = $1 }
            return (isWhole, bytes)
        }
    }

    // MARK: Row by row

    private mutating func list(_ live: Shard, _ rebuilt: Shard, _ entity: Int, _ parts: [Part], _ limit: Int) throws {
        let row = RowComparison(live, rebuilt, entity)
        let ofLive = Sections(live, entity), ofRebuilt = Sections(rebuilt, entity)
        try live.forEachRow(entity: entity) { key, liveRow in
            try rebuilt.withRow(entity: entity, storedKey: key) { rebuiltRow in
                let a = ofLive.split(liveRow), b = ofRebuilt.split(rebuiltRow)
                for (i, part) in parts.enumerated() where part.skipped == nil {
                    if a.isWhole, b.isWhole, Self.areEqual(a.bytes[i], b.bytes[i]) { continue }
                    let note = !a.isWhole ? "the live row is damaged" : rebuiltRow == nil ? "only the live shard has the row" : ""
                    try add(limit) { try row.difference(part, key, liveRow, rebuiltRow, note, isDamaged: !a.isWhole || !b.isWhole) }
                }
            }
            return true
        }
        try rebuilt.forEachRow(entity: entity) { key, rebuiltRow in
            try live.withRow(entity: entity, storedKey: key) { liveRow in
                guard liveRow == nil else { return }
                let bytes = ofRebuilt.split(rebuiltRow).bytes
                for (i, part) in parts.enumerated() where part.skipped == nil && bytes[i] != nil {
                    try add(limit) { try row.difference(part, key, nil, rebuiltRow, "the live shard does not have the row", isDamaged: false) }
                }
            }
            return true
        }
    }

    private mutating func add(_ limit: Int, _ difference: () throws -> Difference) rethrows {
        differenceCount += 1
        if differences.count < limit { differences.append(try difference()) }
    }

    private static func areEqual(_ a: UnsafeRawBufferPointer?, _ b: UnsafeRawBufferPointer?) -> Bool {
        guard let a, let b else { return a == nil && b == nil }
        return a.count == b.count && compareBytes(a, b) == 0
    }
}

/// Finishes the features of one row of both shards.
private struct RowComparison {
    private let live: Shard
    private let rebuilt: Shard
    private let entity: Int
    /// By view of the entity: its features and how to read them.
    private let plans: [(names: [String], read: ReadPlan)]

    init(_ live: Shard, _ rebuilt: Shard, _ entity: Int) {
        (self.live, self.rebuilt, self.entity) = (live, rebuilt, entity)
        let catalog = live.catalog
        plans = catalog.entities[entity].views.indices.map { view in
            let indexes = catalog.features.indices.filter { index in
                guard catalog.features[index].entity == entity, case .view(view, _) = catalog.features[index].source else { return false }
                return true
            }
            return (indexes.map { catalog.features[$0].name }, ReadPlan(features: indexes, catalog: catalog, entity: entity))
        }
    }

    func difference(
        _ part: ShardComparison.Part, _ key: UnsafeRawBufferPointer, _ liveRow: UnsafeRawBufferPointer?, _ rebuiltRow: UnsafeRawBufferPointer?,
        _ note: String, isDamaged: Bool
    ) throws -> ShardComparison.Difference {
        let time = Swift.max(Self.newest(liveRow), Self.newest(rebuiltRow))
        var difference = ShardComparison.Difference(
            entity: part.entity, key: live.catalog.entities[entity].text(ofStoredKey: key), kind: part.kind, name: part.name, note: note, time: time, features: [])
        guard part.kind == .view, !isDamaged,
            let view = live.catalog.entities[entity].views.firstIndex(where: { $0.definition.name == part.name })
        else {
            if note.isEmpty {
                difference.note = switch part.kind {
                case .stream: "newest event or remembered ids differ"
                case .retractions: "the remembered retractions differ"
                case .attribution: "the events that others are attributed to differ"
                case .view: ""
                }
            }
            return difference
        }
        let a = try values(liveRow, live, plans[view].read, time), b = try values(rebuiltRow, rebuilt, plans[view].read, time)
        for (i, name) in plans[view].names.enumerated() where a?[i] != b?[i] {
            difference.features.append((name, a?[i], b?[i]))
        }
        if difference.features.isEmpty, note.isEmpty { difference.note = "the bytes differ, no value does at this time" }
        return difference
    }

    /// Nil when there is no row, or none that can be read.
    private func values(_ row: UnsafeRawBufferPointer?, _ shard: Shard, _ read: ReadPlan, _ time: Int64) throws -> [FeatureValue]? {
        guard let row else { return nil }
        let plan = shard.catalog.entities[entity]
        return try? RowReader.values(
            read, rows: [.init(bytes: row, plan: plan, since: shard.since[entity])], at: time)
    }

    /// The newest event time of all streams of a row.
    private static func newest(_ row: UnsafeRawBufferPointer?) -> Int64 {
        var newest: Int64 = Store.validTimes.lowerBound
        guard let row else { return newest }
        _ = RowFormat.sections(of: row) { kind, _, bytes in
            guard kind == RowFormat.SectionKind.stream.rawValue, bytes.count >= 8 else { return }
            newest = Swift.max(newest, bytes.loadUnaligned(as: Int64.self))
        }
        return Store.validTimes.contains(newest) ? newest : Store.validTimes.lowerBound
    }
}
