import FeatureStore
import Foundation

/// SEMANTICS section 6, each aggregation from the list of events.
struct OracleAggregation {
    let stream: StreamDefinition

    private func index(_ field: String) -> Int { stream.fields.firstIndex { $0.name == field }! }
    private func type(_ field: String) -> FieldType { stream.fields[index(field)].type }
    private func scale(_ field: String) -> Int {
        switch type(field) {
        case .decimal(let scale), .vector(_, let scale): scale
        default: 0
        }
    }

    /// Of `events`, for a request at `time`. Null: nothing to aggregate.
    func value(_ aggregation: Aggregation, of events: [OracleEvent], at time: Int64) -> Value {
        let ordered = events.sorted { ($0.time, $0.id) < ($1.time, $1.id) }
        func values(_ field: String) -> [OracleValue] { ordered.compactMap { $0.fields[index(field)] } }
        func integers(_ field: String) -> [Int64] { values(field).map { if case .integer(let n) = $0 { n } else { fatalError("no number") } } }

        switch aggregation {
        case .count(nil): return .int(Int64(events.count))
        case .count(let field?): return .int(Int64(values(field).count))
        case .sum(let field): return .decimal(units: integers(field).reduce(0) { $0 + Int128($1) }, scale: scale(field))
        case .mean(let field) where type(field).dimension != nil:
            let all = values(field).map { if case .vector(let elements) = $0 { elements } else { fatalError("no vector") } }
            if all.isEmpty { return .null }
            let divisor = Int128(all.count) * unit(field)
            return .list(all[0].indices.map { i -> Value in
                var sum: Int128 = 0
                for vector in all { sum += Int128(vector[i]) }
                return .double(nearestDouble(sum, over: divisor))
            })
        case .mean(let field):
            let all = integers(field)
            if all.isEmpty { return .null }
            let sum = all.reduce(Int128(0)) { $0 + Int128($1) }
            return .double(nearestDouble(sum, over: Int128(all.count) * unit(field)))
        case .min(let field): return integers(field).min().map { finished(.integer($0), field) } ?? .null
        case .max(let field): return integers(field).max().map { finished(.integer($0), field) } ?? .null
        case .first(let field): return values(field).first.map { finished($0, field) } ?? .null
        case .last(let field): return values(field).last.map { finished($0, field) } ?? .null
        case .lastN(let field, let n, let distinct):
            var list: [OracleValue] = []
            for value in values(field).reversed() where !(distinct && list.contains(value)) { list.append(value) }
            return .list(list.prefix(n).map { finished($0, field) })
        case .distinctCount(let field):
            let hashes = Set(values(field).map(Self.hash))
            return .int(hashes.count <= 256 ? Int64(hashes.count) : OracleSketches.distinct(hashes))
        case .countBy(let by, let maxKeys):
            return map(ordered.compactMap { event in event.fields[index(by)].map { ($0, 1) } }, maxKeys) { .int(Int64($0)) }
        case .sumBy(let field, let by, let maxKeys):
            let pairs = ordered.compactMap { event -> (OracleValue, Int128)? in
                guard let key = event.fields[index(by)], case .integer(let n)? = event.fields[index(field)] else { return nil }
                return (key, Int128(n))
            }
            return map(pairs, maxKeys) { .decimal(units: $0, scale: scale(field)) }
        case .conversion: fatalError("of a view that keeps events")
        case .timeSinceLast:
            return ordered.last.map { .decimal(units: Int128(time - $0.time), scale: 6) } ?? .null
        case .timeSinceFirst:
            return ordered.first.map { .decimal(units: Int128(time - $0.time), scale: 6) } ?? .null
        case .deviation(let field):
            let all = integers(field)
            if all.isEmpty { return .null }
            let n = BigNatural(UInt128(all.count))
            var squares = BigNatural(0)
            for x in all {
                let size = BigNatural(UInt128(x.magnitude))
                squares = squares + size * size
            }
            let sum = BigNatural(all.reduce(Int128(0)) { $0 + Int128($1) }.magnitude)
            return .double(nearestRoot(n * squares - sum * sum, over: n * BigNatural(UInt128(unit(field)))))
        case .percentile(let field, let percent, let accuracy, let maxBuckets):
            return OracleSketches.percentile(integers(field), percent, accuracy: accuracy, maxBuckets: maxBuckets, unit: unit(field))
        case .topK(let field, let k, let maxKeys):
            return ranking(values(field).map(text), k, maxKeys)
        case .decayedCount(let field, let halfLife):
            let counted = ordered.filter { event in field.map { event.fields[index($0)] != nil } ?? true }
            return .double(counted.reduce(0) { $0 + Self.weight($1, halfLife, time) })
        case .decayedSum(let field, let halfLife):
            return .double(ordered.reduce(0) { $0 + amount($1, field) * Self.weight($1, halfLife, time) })
        case .sessionCount(let gap): return .int(Int64(sessions(ordered, gap).count))
        case .sessionLength(let gap):
            let all = sessions(ordered, gap)
            if all.isEmpty { return .null }
            return .double(nearestDouble(all.reduce(Int128(0)) { $0 + Int128($1.last! - $1.first!) }, over: Int128(all.count) * 1_000_000))
        case .bounceRate(let gap):
            let all = sessions(ordered, gap)
            return all.isEmpty ? .null : .double(Double(all.filter { $0.count == 1 }.count) / Double(all.count))
        case .streak:
            let days = Set(events.map { floorTime($0.time, .days(1)) / .days(1) })
            let today = floorTime(time, .days(1)) / .days(1)
            var day = days.contains(today) ? today : today - 1
            var length: Int64 = 0
            while days.contains(day) {
                length += 1
                day -= 1
            }
            return .int(length)
        }
    }

    /// How far a value may be from `value`: weights are rounded to 2^-33 of themselves, what is below 2^-60 of the newest may be left out, and
    /// near the smallest doubles nothing is promised.
    func tolerance(_ aggregation: Aggregation, of events: [OracleEvent], at time: Int64) -> Double {
        func bound(_ halfLife: Int64, _ amount: (OracleEvent) -> Double) -> Double {
            let newest = events.map { Self.weight($0, halfLife, time) }.max() ?? 0
            var bound: Double = 1e-280
            for event in events {
                let share: Double = Self.weight(event, halfLife, time) / 0x1p32 + newest / 0x1p59
                bound += abs(amount(event)) * share
            }
            return bound
        }
        return switch aggregation {
        case .decayedCount(_, let halfLife): bound(halfLife) { _ in 1 }
        case .decayedSum(let field, let halfLife): bound(halfLife) { amount($0, field) }
        default: 0
        }
    }

    private static func weight(_ event: OracleEvent, _ halfLife: Int64, _ time: Int64) -> Double {
        pow(2, -Double(time - event.time) / Double(halfLife))
    }

    private func amount(_ event: OracleEvent, _ field: String) -> Double {
        if case .integer(let n)? = event.fields[index(field)] { Double(n) / Double(unit(field)) } else { 0 }
    }

    /// The times of each session.
    private func sessions(_ ordered: [OracleEvent], _ gap: Int64) -> [[Int64]] {
        var sessions: [[Int64]] = []
        for event in ordered {
            if let last = sessions.last?.last, event.time - last <= gap {
                sessions[sessions.count - 1].append(event.time)
            } else {
                sessions.append([event.time])
            }
        }
        return sessions
    }

    private func unit(_ field: String) -> Int128 { (0..<scale(field)).reduce(1) { power, _ in power * 10 } }

    private func text(_ value: OracleValue) -> String {
        switch value {
        case .integer(let n): String(n)
        case .text(let text): text
        case .vector: fatalError("a vector is no key")
        }
    }

    private func ranking(_ values: [String], _ k: Int, _ maxKeys: Int) -> Value {
        var counts: [String: Int64] = [:]
        for value in values { counts[value, default: 0] += 1 }
        let byHash = counts.keys.sorted { EventMemory.hash($0) < EventMemory.hash($1) }
        func entry(_ name: String, _ count: Int64) -> Value {
            .map([
                .init(key: "count", value: .int(count)), .init(key: "share", value: .double(Double(count) / Double(values.count))),
                .init(key: "value", value: .string(name)),
            ])
        }
        let kept = byHash.prefix(maxKeys).map { ($0, counts[$0]!) }.sorted { a, b in
            a.1 != b.1 ? a.1 > b.1 : Array(a.0.utf8).lexicographicallyPrecedes(Array(b.0.utf8))
        }
        let cut = byHash.dropFirst(maxKeys).reduce(Int64(0)) { $0 + counts[$1]! }
        return .list(kept.prefix(k).map { entry($0.0, $0.1) } + (cut > 0 ? [entry("__other__", cut)] : []))
    }

    private func finished(_ value: OracleValue, _ field: String) -> Value {
        switch (value, type(field)) {
        case (.text(let text), _): .string(text)
        case (.vector(let elements), _): .list(elements.map { .decimal(units: Int128($0), scale: scale(field)) })
        case (.integer(let n), .bool): .bool(n != 0)
        case (.integer(let n), .decimal(let scale)): .decimal(units: Int128(n), scale: scale)
        case (.integer(let n), _): .int(n)
        }
    }

    private static func hash(_ value: OracleValue) -> UInt64 {
        switch value {
        case .integer(let n): XXHash64.hash(n)
        case .text(let text): EventMemory.hash(text)
        case .vector(let elements): elements.withUnsafeBytes { XXHash64.hash($0) }
        }
    }

    private func map(_ pairs: [(OracleValue, Int128)], _ maxKeys: Int, _ finish: (Int128) -> Value) -> Value {
        var sums: [String: Int128] = [:]
        for (key, amount) in pairs {
            sums[text(key), default: 0] += amount
        }
        let byHash = sums.keys.sorted { EventMemory.hash($0) < EventMemory.hash($1) }
        var kept: [String: Int128] = [:]
        for key in byHash.prefix(maxKeys) { kept[key] = sums[key]! }
        for key in byHash.dropFirst(maxKeys) { kept["__other__", default: 0] += sums[key]! }
        let entries = kept.map { Value.MapEntry(key: $0.key, value: finish($0.value)) }
        return .map(entries.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) })
    }
}

/// The double nearest to `numerator / denominator`, ties to even. The quotient is taken to at least 55 bits; its last bit says whether anything was cut.
func nearestDouble(_ numerator: Int128, over denominator: Int128) -> Double {
    if numerator == 0 { return 0 }
    var n = numerator.magnitude, d = denominator.magnitude
    var exponent = 0
    while n / d < 1 << 55 {
        if n < UInt128(1) << 126 { n <<= 1 } else { d >>= 1 }  // The second never happens with denominators below 2^70.
        exponent -= 1
    }
    var quotient = n / d
    var cut = n % d != 0
    while quotient >= 1 << 57 {
        cut = cut || quotient & 1 == 1
        quotient >>= 1
        exponent += 1
    }
    let rounded = Double(UInt64(quotient) | (cut ? 1 : 0))
    let magnitude = Double(sign: .plus, exponent: exponent, significand: rounded)
    return numerator < 0 ? -magnitude : magnitude
}
