import FeatureStore
import TestSupport

/// Random definitions and a random stream of events, all from one seed.
struct Scenario {
    var seed: UInt64
    var definitions: Definitions
    /// By view name, what `ViewDefinition.filter` says in text.
    var filters: [String: @Sendable (OracleEvent) -> Bool] = [:]
    var events: [OracleEvent] = []

    /// `withinLateness`: no event is late, whatever the order in which they come, and ids never run out.
    init(seed: UInt64, eventCount: Int? = nil, withinLateness: Bool = false) {
        self.seed = seed
        var random = SeededGenerator(seed: seed)
        definitions = Definitions(name: "random", entities: [.init(name: "customer")], streams: [], views: [])
        for i in 0..<(random.one(in: 3) ? 2 : 1) { definitions.streams.append(Self.stream("s\(i)", withinLateness, &random)) }
        let viewCount = random.int(1...4)
        for i in 0..<viewCount {
            let stream = i < definitions.streams.count ? definitions.streams[i] : random.pick(definitions.streams)
            definitions.views.append(view("v\(i)", stream, &random))
        }
        // A stream without views has no part in the row.
        let used = Set(definitions.views.map(\.stream))
        definitions.streams.removeAll { !used.contains($0.name) }
        let count = eventCount ?? (random.one(in: 40) ? random.int(100...400) : random.int(1...60))
        makeEvents(count, withinLateness, &random)
    }

    // MARK: Definitions

    private static func stream(_ name: String, _ withinLateness: Bool, _ random: inout SeededGenerator) -> StreamDefinition {
        let lateness: [Int64] = [0, 1, .seconds(1), .seconds(7), .minutes(10), .hours(5), .days(2), .days(30)]
        return StreamDefinition(
            name: name, topic: name, keys: [.init(entity: "customer", path: .init("customer"))],
            time: .init(path: .init("time"), format: .epochMicroseconds), idPath: random.one(in: 3) ? nil : .init("id"),
            allowedLateness: random.pick(lateness),
            maxIDsPerRow: withinLateness ? 4096 : random.pick([1, 2, 3, 5, 16, 4096]),
            fields: [
                .init(name: "s", type: .string), .init(name: "n", type: .int64),
                .init(name: "d", type: .decimal(scale: random.pick([0, 2, 6, 9]))), .init(name: "b", type: .bool),
                .init(name: "v", type: .vector(dimension: 2, scale: 3)),
            ])
    }

    private mutating func view(_ name: String, _ stream: StreamDefinition, _ random: inout SeededGenerator) -> ViewDefinition {
        let history: [Int64] = [0, 0, 0, .seconds(1), .seconds(90), .hours(3), .days(2), .days(20)]
        var view = ViewDefinition(name: name, entity: "customer", stream: stream.name, history: random.pick(history), features: [])
        let scale: Int = if case .decimal(let scale) = stream.fields[2].type { scale } else { 0 }
        let units = (0..<scale).reduce(Int64(1)) { power, _ in power * 10 }
        let choices: [(String, @Sendable (OracleEvent) -> Bool)] = [
            ("n > 3", { Self.number($0, 1).map { $0 > 3 } ?? false }),
            ("s == \"a\"", { $0.fields[0] == .text("a") }),
            ("n <= 3 and s != \"a\"", { (Self.number($0, 1).map { $0 <= 3 } ?? false) && $0.fields[0] != nil && $0.fields[0] != .text("a") }),
            ("d >= 2 or b == true", { (Self.number($0, 2).map { $0 >= 2 * units } ?? false) || $0.fields[3] == .integer(1) }),
        ]
        if random.one(in: 3) {
            let (text, closure) = random.pick(choices)
            view.filter = text
            filters[name] = closure
        }
        let windows = Self.windows(&random)
        for i in 0..<random.int(1...6) {
            let aggregation = Self.aggregation(&random)
            // Few or many windows of the same aggregation.
            for window in random.one(in: 2) ? windows : [random.pick(windows)] {
                var feature = FeatureDefinition(name: "\(name)_f\(i)_\(view.features.count)", aggregation: aggregation, window: window)
                if random.one(in: 6) { feature.defaultValue = .string("default") }
                if random.one(in: 6) { feature.ttl = random.pick([.seconds(1), .minutes(3), .hours(7), .days(40)]) }
                view.features.append(feature)
            }
        }
        return view
    }

    private static func number(_ event: OracleEvent, _ field: Int) -> Int64? {
        if case .integer(let n)? = event.fields[field] { n } else { nil }
    }

    /// Windows whose hops divide one another and their lengths, as the loader demands.
    private static func windows(_ random: inout SeededGenerator) -> [Window] {
        let lengths: [Int64] = [
            .seconds(10), .seconds(60), .minutes(5), .minutes(6), .minutes(14), .minutes(15), .minutes(20), .minutes(59), .hours(1),
            .hours(2), .hours(5), .hours(6), .hours(15), .hours(24), .days(2), .days(7), .days(15), .days(16), .days(30), .days(60), .days(90),
        ]
        // Chains in which every hop divides the next; the ladder is one.
        let chains: [[Int64]] = [
            Window.ladder.reversed(), Window.ladder.reversed(),
            [.seconds(1), .seconds(10), .seconds(60), .hours(1)], [.seconds(7), .seconds(21), .seconds(42), .seconds(840)],
            [.seconds(30), .minutes(1), .minutes(2), .minutes(6), .minutes(30)], [.hours(1), .hours(2), .hours(8), .days(1)],
        ]
        let chain = random.pick(chains)
        var windows: [Window] = []
        for _ in 0..<random.int(1...4) {
            if random.one(in: 6) {
                windows.append(.lifetime)
                continue
            }
            let near = random.pick(lengths)
            let isLadder = chain[0] == .seconds(5) && random.one(in: 2)
            var hop = isLadder ? Window.ladderHop(length: near) : random.pick(chain)
            while hop > near, hop > chain[0] { hop = chain[chain.firstIndex(of: hop)! - 1] }
            let length = max(hop, near / hop * hop + (random.one(in: 3) ? hop : 0))
            if length / hop > 5000 { continue }
            windows.append(.sliding(length: length, hop: hop))
        }
        if windows.isEmpty { windows = [.sliding(length: 60 * chain[1], hop: chain[1])] }
        var unique: [Window] = []
        for window in windows where !unique.contains(window) { unique.append(window) }
        return unique
    }

    private static func aggregation(_ random: inout SeededGenerator) -> Aggregation {
        let any = random.pick(["s", "n", "d", "b"]), number = random.pick(["n", "d"]), by = random.pick(["s", "n", "b"])
        let maxKeys = random.pick([1, 2, 3, 64])
        let halfLife = random.pick([.minutes(10), .hours(1), .days(1), .days(30)] as [Int64])
        let gap = random.pick([.seconds(1), .minutes(30), .hours(20), .days(30)] as [Int64])
        return switch random.int(0...27) {
        case 0: .count(field: nil)
        case 1: .count(field: any)
        case 2: .sum(field: number)
        case 3: .mean(field: number)
        case 4: .min(field: number)
        case 5: .max(field: number)
        case 6: .first(field: any)
        case 7: .last(field: any)
        case 8, 9: .lastN(field: any, n: random.pick([1, 2, 3, 10]), distinct: random.one(in: 2))
        case 10: .distinctCount(field: any)
        case 11: .countBy(by: by, maxKeys: maxKeys)
        case 12: .sumBy(field: number, by: by, maxKeys: maxKeys)
        case 13: .timeSinceLast
        case 14: .timeSinceFirst
        case 15: .deviation(field: number)
        case 16, 17:
            .percentile(
                field: number, percent: random.pick([0, 10_000, 50_000, 95_000, 99_999, 100_000]), accuracy: random.pick([10, 100, 1000]),
                maxBuckets: random.pick([1, 2, 5, 1024]))
        case 18: .topK(field: by, k: random.pick([1, 2, 3, 10]), maxKeys: maxKeys)
        case 19: .decayedCount(field: random.one(in: 2) ? any : nil, halfLife: halfLife)
        case 20: .decayedSum(field: number, halfLife: halfLife)
        case 21: .sessionCount(gap: gap)
        case 22: .sessionLength(gap: gap)
        case 23: .bounceRate(gap: gap)
        case 24: .mean(field: "v")
        case 25: .last(field: "v")
        default: .streak
        }
    }

    // MARK: Events

    private mutating func makeEvents(_ count: Int, _ withinLateness: Bool, _ random: inout SeededGenerator) {
        let edges = Store.validTimes
        let base: Int64 = switch random.int(0...19) {
        case 0: edges.lowerBound
        case 1: edges.upperBound - .days(300)
        default: 1_700_000_000_000_000 + random.int64(0 ... .days(2))
        }
        var hops: [Int64] = [.seconds(1)]
        for case .sliding(_, let hop) in definitions.views.flatMap({ $0.features.map(\.window) }) where !hops.contains(hop) { hops.append(hop) }
        let step = random.pick([.seconds(1), .seconds(20), .minutes(10), .hours(8), .days(4)] as [Int64])
        let nullOneIn = random.pick([2, 6, 1000])
        var newest = definitions.streams.map { _ in base }
        for _ in 0..<count {
            let stream = random.int(0...definitions.streams.count - 1)
            let definition = definitions.streams[stream]
            var time = switch random.int(0...9) {
            case 0...3: newest[stream] + random.int64(0...step)
            case 4: newest[stream]
            case 5: newest[stream] - random.int64(0...step)
            case 6: newest[stream] - random.int64(0...definition.allowedLateness + 2)
            case 7: newest[stream] - definition.allowedLateness + random.int64(-2...2)
            case 8: newest[stream] - random.int64(0 ... .days(100))
            default: newest[stream] + random.pick(hops) * random.int64(0...3)
            }
            if random.one(in: 3) { time = floorTime(time, random.pick(hops)) - random.int64(0...1) }
            if random.one(in: 4), let other = events.last { time = other.time }
            if withinLateness {
                // However these are ordered, none is behind by more than the allowance.
                time = min(max(time, base), base + definition.allowedLateness)
                if definition.idPath == nil { time = base + abs(time - base) % (1 + tileSpan(of: definition)) }
            }
            time = min(max(time, edges.lowerBound), edges.upperBound)
            var fields: [OracleValue?] = [
                .text(random.pick(["a", "b", "c", "d", "ä", "", "a long string that does not fit in sixteen bytes", "__other__"])),
                .integer(random.one(in: 8) ? random.pick([.max, .min + 1, 1 << 40]) : random.int64(-2...9)),
                .integer(random.one(in: 8) ? random.pick([.max, .min + 1, 999_999_999]) : random.int64(-300...900) * 10_000_000),
                .integer(random.int64(0...1)),
                .vector((0..<2).map { _ in random.one(in: 20) ? random.pick([.max, .min + 1]) : random.int64(-3000...3000) }),
            ]
            for i in fields.indices where random.one(in: nullOneIn) { fields[i] = nil }
            var event = OracleEvent(stream: stream, time: time, id: random.next(), fields: fields)
            if definition.idPath == nil { event.id = OracleEvent.tieBreak(fields) }
            // Events without ids are counted as often as they come, so repeating them makes another set.
            if definition.idPath != nil || !withinLateness, random.one(in: 8), let other = events.filter({ $0.stream == stream }).randomElement(using: &random) {
                event = other  // The same event again.
                if definition.idPath != nil, random.one(in: 3), !withinLateness { event.time = time }
            }
            newest[stream] = max(newest[stream], event.time)
            events.append(event)
        }
    }

    /// How far behind `T` every view of a stream still holds an event.
    private func tileSpan(of stream: StreamDefinition) -> Int64 {
        definitions.views.filter { $0.stream == stream.name }.map { view in
            let levels = OracleLevels(view)
            return levels.hasLifetime ? .days(365) : levels.history + (levels.reaches.last ?? 0)
        }.max()!
    }
}
