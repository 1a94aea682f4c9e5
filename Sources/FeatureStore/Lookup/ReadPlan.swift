/// How to finish the features of one vector: which views to read, which columns to accumulate, where each value goes.
/// Made once per service; everything that can be decided before the row is known is decided here.
package struct ReadPlan: Sendable {
    /// The features of one view that share a window.
    struct WindowRead: Sendable {
        var window: Window
        /// Slot of the value, and how to finish it.
        var features: [(slot: Int, finish: Finish)]
    }

    struct ViewRead: Sendable {
        /// Index into `EntityPlan.views`.
        var view: Int
        /// Position of the view's stream in `EntityPlan.streams`.
        var stream: Int
        var fixed: [TileColumn]
        var variable: [TileColumn]
        /// Shortest first, lifetime last.
        var windows: [WindowRead]
        /// Whether each window begins at or before the ones in front of it, whatever the time. A coarser hop may snap a shorter window
        /// to an earlier begin than a longer one has.
        var areNested: Bool

        /// Those that begin last come first.
        func windows(at time: Int64) -> [WindowRead] {
            if areNested { return windows }
            return windows.sorted { ($0.window.leftEdge(at: time) ?? .min) > ($1.window.leftEdge(at: time) ?? .min) }
        }
    }

    enum Finish: Sendable {
        // Accumulator indexes: fixed ones first, then variable ones.
        case count(Int)
        case sum(Int, scale: Int)
        case mean(sum: Int, count: Int, scale: Int)
        case integer(Int, ValueType)
        case firstString(Int)
        case distinct(Int)
        case countMap(Int)
        case sumMap(Int, scale: Int)
        // Index of the sequence column.
        case last(Int, ValueType)
        case list(Int, n: Int, distinct: Bool, ValueType)
        case timeSince
    }

    struct Derived: Sendable {
        var slot: Int
        var derivation: Derivation
        /// Slots.
        var inputs: [Int]
        var defaultValue: Value?
    }

    struct Slot: Sendable {
        var defaultValue: Value?
        var ttl: Microseconds?
    }

    let entity: Int
    let views: [ViewRead]
    /// In an order in which inputs come before what uses them.
    let derived: [Derived]
    let slots: [Slot]
    /// The slot of each output of the vector.
    let outputs: [Int]

    package init(features wanted: [Int], catalog: Catalog, entity: Int) {
        self.entity = entity
        let plan = catalog.entities[entity]
        var slotOf: [Int: Int] = [:]
        var slots: [Slot] = []
        var derived: [Derived] = []
        var byView: [Int: [(slot: Int, feature: FeatureDefinition)]] = [:]
        func slot(of feature: Int) -> Int {
            if let known = slotOf[feature] { return known }
            let entry = catalog.features[feature]
            switch entry.source {
            case .view(let view, let definition):
                let slot = slots.count
                slots.append(Slot(defaultValue: entry.defaultValue, ttl: definition.ttl))
                slotOf[feature] = slot
                byView[view, default: []].append((slot, definition))
                return slot
            case .derived(let derivation, let inputs):
                let inputSlots = inputs.map { slot(of: $0) }
                let slot = slots.count
                slots.append(Slot(defaultValue: entry.defaultValue, ttl: nil))
                slotOf[feature] = slot
                derived.append(Derived(
                    slot: slot, derivation: derivation, inputs: inputSlots, defaultValue: entry.defaultValue))
                return slot
            }
        }
        outputs = wanted.map { slot(of: $0) }
        self.derived = derived
        self.slots = slots
        views = byView.sorted { $0.key < $1.key }.map { index, features in
            Self.viewRead(index, features, plan: plan, definitions: catalog.definitions)
        }
    }

    private static func viewRead(
        _ index: Int, _ features: [(slot: Int, feature: FeatureDefinition)], plan: EntityPlan, definitions: Definitions
    ) -> ViewRead {
        let view = plan.views[index]
        let source = definitions.streams[view.stream]
        var needed: [TileColumn] = []
        for (_, feature) in features {
            for column in ViewPlan.columns(of: feature.aggregation, in: source).tile {
                let resolved = view.column(like: column)
                if !needed.contains(resolved) { needed.append(resolved) }
            }
        }
        let fixed = needed.filter { $0.fixedByteCount != nil }, variable = needed.filter { $0.fixedByteCount == nil }
        let all = fixed + variable
        func scale(_ field: String) -> Int {
            if case .decimal(let scale) = source.fields.first(where: { $0.name == field })!.type { scale } else { 0 }
        }
        func type(_ field: String) -> ValueType {
            switch source.fields.first(where: { $0.name == field })!.type {
            case .string: .string
            case .bool: .bool
            case .int64: .int
            case .decimal(let scale): .decimal(scale: scale)
            }
        }
        func finish(_ aggregation: Aggregation) -> Finish {
            let columns = ViewPlan.columns(of: aggregation, in: source)
            let at = columns.tile.map { column in all.firstIndex { $0.isSame(as: column) }! }
            let sequence = columns.sequence.map { column in view.sequences.firstIndex(of: column)! } ?? 0
            switch aggregation {
            case .count: return .count(at[0])
            case .sum(let field): return .sum(at[0], scale: scale(field))
            case .mean(let field): return .mean(sum: at[0], count: at[1], scale: scale(field))
            case .min(let field), .max(let field): return .integer(at[0], type(field))
            case .first(let field): return type(field) == .string ? .firstString(at[0]) : .integer(at[0], type(field))
            case .distinctCount: return .distinct(at[0])
            case .countBy: return .countMap(at[0])
            case .sumBy(let field, _, _): return .sumMap(at[0], scale: scale(field))
            case .last(let field): return .last(sequence, type(field))
            case .lastN(let field, let n, let distinct): return .list(sequence, n: n, distinct: distinct, type(field))
            case .timeSinceLast: return .timeSince
            }
        }
        var windows: [WindowRead] = []
        for (slot, feature) in features {
            let entry = (slot: slot, finish: finish(feature.aggregation))
            if let known = windows.firstIndex(where: { $0.window == feature.window }) {
                windows[known].features.append(entry)
            } else {
                windows.append(WindowRead(window: feature.window, features: [entry]))
            }
        }
        windows.sort { $0.window.sortLength < $1.window.sortLength }
        return ViewRead(
            view: index, stream: plan.streams.firstIndex { $0.index == view.stream }!, fixed: fixed, variable: variable,
            windows: windows, areNested: zip(windows, windows.dropFirst()).allSatisfy { $0.window.isAlwaysWithin($1.window) })
    }
}

extension Window {
    var sortLength: Int64 {
        switch self {
        case .sliding(let length, _): length
        case .lifetime: .max
        }
    }

    /// Whether `other` begins no later than this window, whatever the time. Hops divide one another.
    fileprivate func isAlwaysWithin(_ other: Window) -> Bool {
        switch (self, other) {
        case (_, .lifetime): true
        case (.lifetime, .sliding): false
        case (.sliding(let length, let hop), .sliding(let otherLength, let otherHop)):
            length + Swift.max(0, hop - otherHop) <= otherLength
        }
    }

    /// The oldest event time that belongs to the window of a request at `time`; nil: all of them do.
    package func leftEdge(at time: Int64) -> Int64? {
        switch self {
        case .sliding(let length, let hop): floorDown(time, hop) - length
        case .lifetime: nil
        }
    }
}
