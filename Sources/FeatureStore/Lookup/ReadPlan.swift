/// How to finish the features of one vector: which views to read, which columns to accumulate, where each value goes.
/// Made once per service; everything that can be decided before the row is known is decided here.
package struct ReadPlan: Sendable {
    /// The features of one view that share a window.
    struct WindowRead: Sendable {
        var window: WindowEdge
        /// Positions in `ViewRead.features`.
        var features: Range<Int>
    }

    /// A class, as `Derived`: lookups go through many of them, and copying one counts one reference.
    final class ViewRead: Sendable {
        /// Index into `EntityPlan.views`.
        let view: Int
        /// Columns and levels, which are the same in every shard. Sections are found by the ids of the row's own plan.
        let plan: ViewPlan
        /// Position of the view's stream in `EntityPlan.streams`.
        let stream: Int
        let fixed: [TileColumn]
        let variable: [TileColumn]
        /// Shortest first, lifetime last.
        let windows: [WindowRead]
        /// Slot of the value, and how to finish it.
        let features: [(slot: Int, finish: Finish)]
        /// Whether each window begins at or before the ones in front of it, whatever the time. A coarser hop may snap a shorter window
        /// to an earlier begin than a longer one has.
        let areNested: Bool
        /// Positions in `features` of those that are divided by the events that the view's are attributed to.
        let conversions: [Int]

        init(
            view: Int, plan: ViewPlan, stream: Int, fixed: [TileColumn], variable: [TileColumn], windows: [WindowRead],
            features: [(slot: Int, finish: Finish)], conversions: [Int]
        ) {
            self.view = view
            self.plan = plan
            self.stream = stream
            self.fixed = fixed
            self.variable = variable
            self.windows = windows
            self.features = features
            areNested = zip(windows, windows.dropFirst()).allSatisfy { $0.window.isAlwaysWithin($1.window) }
            self.conversions = conversions
        }

        /// Calls `body` for each window, those that begin last first. Allocates nothing.
        func forEachWindow(at time: Int64, _ body: (WindowRead) -> Void) {
            if areNested {
                for i in windows.indices { body(windows[i]) }
                return
            }
            withUnsafeTemporaryAllocation(of: (left: Int64, index: Int).self, capacity: windows.count) { order in
                for i in windows.indices {
                    let left = windows[i].window.leftEdge(at: time) ?? .min
                    var at = i
                    while at > 0, order[at - 1].left < left {
                        order[at] = order[at - 1]
                        at -= 1
                    }
                    order[at] = (left, i)
                }
                for entry in order { body(windows[entry.index]) }
            }
        }
    }

    /// Trivial to copy, unlike `ValueType`.
    enum Scalar: BitwiseCopyable, Sendable {
        case string, bool, int
        case decimal(scale: Int)
        case vector(scale: Int)
        case double, doubles
    }

    enum Finish: BitwiseCopyable, Sendable {
        // Index of the fixed column.
        case count(Int)
        case sum(Int, scale: Int)
        case mean(sum: Int, count: Int, scale: Int)
        case vectorMean(Int, scale: Int)
        case deviation(sum: Int, count: Int, squares: Int, scale: Int)
        case timeSinceFirst(Int)
        case extreme(Int, Scalar)
        case first(Int, Scalar)
        // Index of the variable column.
        case firstString(Int)
        case distinct(Int)
        case countMap(Int)
        case sumMap(Int, scale: Int)
        case topK(Int, k: Int)
        case quantile(Int, hundredThousandths: Int, scale: Int)
        case decayed(Int, scale: Int)
        case sessionCount(Int)
        case sessionLength(Int)
        case bounceRate(Int)
        case streak(Int)
        // Index of the sequence column.
        case last(Int, Scalar)
        case list(Int, n: Int, distinct: Bool, Scalar)
        case timeSince
    }

    final class Derived: Sendable {
        let slot: Int
        let derivation: Derivation
        /// Slots.
        let inputs: [Int]
        let defaultValue: Value?

        init(slot: Int, derivation: Derivation, inputs: [Int], defaultValue: Value?) {
            self.slot = slot
            self.derivation = derivation
            self.inputs = inputs
            self.defaultValue = defaultValue
        }
    }

    struct Slot: Sendable {
        var defaultValue: Value?
        var ttl: Microseconds?
    }

    package let entity: Int
    let views: [ViewRead]
    /// In an order in which inputs come before what uses them.
    let derived: [Derived]
    let slots: [Slot]
    /// The slot of each output of the vector; nil when they are the first `outputCount` slots, in order.
    let outputs: [Int]?
    let outputCount: Int
    /// The slots that the request fills, with the index of the input in the definitions.
    package let inputs: [(slot: Int, input: Int)]
    /// What the service does to single values once they are finished; empty: nothing.
    let treatments: [Treatment]

    /// Indexes into `EntityPlan.views` of the views that are read.
    package var viewIndexes: [Int] { views.map(\.view) }

    /// `served`: what a service says of each of the features; empty: nothing of any.
    package init(features wanted: [Int], catalog: Catalog, entity: Int, served: [ServedFeature?] = []) {
        self.entity = entity
        treatments = Self.treatments(served)
        let plan = catalog.entities[entity]
        var slotOf: [Int: Int] = [:]
        var slots: [Slot] = []
        var derived: [Derived] = []
        var byView: [Int: [(slot: Int, feature: FeatureDefinition)]] = [:]
        var resolved: Set<Int> = []
        var given: [(slot: Int, input: Int)] = []
        func slot(of feature: Int) -> Int {
            if let known = slotOf[feature] { return known }
            slotOf[feature] = slots.count
            let entry = catalog.features[feature]
            var ttl: Microseconds?
            if case .view(_, let definition) = entry.source { ttl = definition.ttl }
            slots.append(Slot(defaultValue: entry.defaultValue, ttl: ttl))
            return slots.count - 1
        }
        func resolve(_ feature: Int) {
            guard resolved.insert(feature).inserted else { return }
            let entry = catalog.features[feature]
            switch entry.source {
            case .view(let view, let definition): byView[view, default: []].append((slot(of: feature), definition))
            case .input(let index): given.append((slot(of: feature), index))
            case .derived(let derivation, let inputs):
                for input in inputs { resolve(input) }
                derived.append(Derived(
                    slot: slot(of: feature), derivation: derivation, inputs: inputs.map { slot(of: $0) },
                    defaultValue: entry.defaultValue))
            }
        }
        // The vector's own slots come first: what else its derived features need is cut off at the end.
        let outputs = wanted.map { slot(of: $0) }
        self.outputs = outputs.elementsEqual(0..<outputs.count) ? nil : outputs
        outputCount = outputs.count
        for feature in wanted { resolve(feature) }
        self.derived = derived
        self.slots = slots
        inputs = given
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
        func scale(_ field: String) -> Int {
            switch source.fields.first(where: { $0.name == field })!.type {
            case .decimal(let scale), .vector(_, let scale): scale
            case .string, .bool, .int64, .double, .doubles: 0
            }
        }
        func type(_ field: String) -> Scalar {
            switch source.fields.first(where: { $0.name == field })!.type {
            case .string: .string
            case .bool: .bool
            case .int64: .int
            case .decimal(let scale): .decimal(scale: scale)
            case .vector(_, let scale): .vector(scale: scale)
            case .double: .double
            case .doubles: .doubles
            }
        }
        func finish(_ aggregation: Aggregation) -> Finish {
            let columns = ViewPlan.columns(of: aggregation, in: source)
            let at = columns.tile.map { column in
                (column.fixedByteCount != nil ? fixed : variable).firstIndex { $0.isSame(as: column) }!
            }
            let sequence = columns.sequence.map { column in view.sequences.firstIndex(of: column)! } ?? 0
            switch aggregation {
            case .count, .conversion: return .count(at[0])
            case .sum(let field): return .sum(at[0], scale: scale(field))
            case .mean(let field) where columns.tile.count == 1: return .vectorMean(at[0], scale: scale(field))
            case .mean(let field): return .mean(sum: at[0], count: at[1], scale: scale(field))
            case .min(let field), .max(let field): return .extreme(at[0], type(field))
            case .first(let field):
                if case .string = type(field) { return .firstString(at[0]) }
                return .first(at[0], type(field))
            case .distinctCount: return .distinct(at[0])
            case .countBy: return .countMap(at[0])
            case .sumBy(let field, _, _): return .sumMap(at[0], scale: scale(field))
            case .last(let field): return .last(sequence, type(field))
            case .lastN(let field, let n, let distinct): return .list(sequence, n: n, distinct: distinct, type(field))
            case .timeSinceLast: return .timeSince
            case .deviation(let field): return .deviation(sum: at[0], count: at[1], squares: at[2], scale: scale(field))
            case .percentile(let field, let percent, _, _): return .quantile(at[0], hundredThousandths: percent, scale: scale(field))
            case .topK(_, let k, _): return .topK(at[0], k: k)
            case .decayedCount: return .decayed(at[0], scale: 0)
            case .decayedSum(let field, _): return .decayed(at[0], scale: scale(field))
            case .sessionCount: return .sessionCount(at[0])
            case .sessionLength: return .sessionLength(at[0])
            case .bounceRate: return .bounceRate(at[0])
            case .timeSinceFirst: return .timeSinceFirst(at[0])
            case .streak: return .streak(at[0])
            }
        }
        let ordered = features.map { slot, feature in
            (
                window: WindowEdge(feature.window, isExact: view.keepsEvents), slot: slot,
                finish: finish(feature.aggregation), isConversion: feature.aggregation == .conversion)
        }.sorted { ($0.window.sortLength, $0.window.hop) < ($1.window.sortLength, $1.window.hop) }
        var windows: [WindowRead] = []
        for (i, feature) in ordered.enumerated() {
            if let last = windows.indices.last, windows[last].window == feature.window {
                windows[last].features = windows[last].features.lowerBound..<i + 1
            } else {
                windows.append(WindowRead(window: feature.window, features: i..<i + 1))
            }
        }
        return ViewRead(
            view: index, plan: view, stream: plan.streams.firstIndex { $0.index == view.stream }!, fixed: fixed, variable: variable,
            windows: windows, features: ordered.map { (slot: $0.slot, finish: $0.finish) },
            conversions: ordered.indices.filter { ordered[$0].isConversion })
    }
}
