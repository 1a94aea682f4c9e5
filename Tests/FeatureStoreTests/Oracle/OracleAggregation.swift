import FeatureStore

/// SEMANTICS section 6, each aggregation from the list of events.
struct OracleAggregation {
    let stream: StreamDefinition

    private func index(_ field: String) -> Int { stream.fields.firstIndex { $0.name == field }! }
    private func type(_ field: String) -> FieldType { stream.fields[index(field)].type }
    private func scale(_ field: String) -> Int { if case .decimal(let scale) = type(field) { scale } else { 0 } }

    /// Of `events`, for a request at `time`. Null: nothing to aggregate.
    func value(_ aggregation: Aggregation, of events: [OracleEvent], at time: Int64) -> Value {
        let ordered = events.sorted { ($0.time, $0.id) < ($1.time, $1.id) }
        func values(_ field: String) -> [OracleValue] { ordered.compactMap { $0.fields[index(field)] } }
        func integers(_ field: String) -> [Int64] { values(field).map { if case .integer(let n) = $0 { n } else { fatalError("no number") } } }

        switch aggregation {
        case .count(nil): return .int(Int64(events.count))
        case .count(let field?): return .int(Int64(values(field).count))
        case .sum(let field): return .decimal(units: integers(field).reduce(0) { $0 + Int128($1) }, scale: scale(field))
        case .mean(let field):
            let all = integers(field)
            if all.isEmpty { return .null }
            let sum = all.reduce(Int128(0)) { $0 + Int128($1) }
            let power = (0..<scale(field)).reduce(Int128(1)) { power, _ in power * 10 }
            return .double(nearestDouble(sum, over: Int128(all.count) * power))
        case .min(let field): return integers(field).min().map { finished(.integer($0), field) } ?? .null
        case .max(let field): return integers(field).max().map { finished(.integer($0), field) } ?? .null
        case .first(let field): return values(field).first.map { finished($0, field) } ?? .null
        case .last(let field): return values(field).last.map { finished($0, field) } ?? .null
        case .lastN(let field, let n, let distinct):
            var list: [OracleValue] = []
            for value in values(field).reversed() where !(distinct && list.contains(value)) { list.append(value) }
            return .list(list.prefix(n).map { finished($0, field) })
        case .distinctCount(let field):
            let hashes = Set(values(field).map(Self.hash)).sorted()
            if hashes.count <= 1024 { return .int(Int64(hashes.count)) }
            // K minimum values: the K-th smallest of N uniform numbers in 0...1 lies near K/N.
            return .int(Int64((1023.0 / (Double(hashes[1023]) / 18_446_744_073_709_551_616.0)).rounded()))
        case .countBy(let by, let maxKeys):
            return map(ordered.compactMap { event in event.fields[index(by)].map { ($0, 1) } }, maxKeys) { .int(Int64($0)) }
        case .sumBy(let field, let by, let maxKeys):
            let pairs = ordered.compactMap { event -> (OracleValue, Int128)? in
                guard let key = event.fields[index(by)], case .integer(let n)? = event.fields[index(field)] else { return nil }
                return (key, Int128(n))
            }
            return map(pairs, maxKeys) { .decimal(units: $0, scale: scale(field)) }
        case .timeSinceLast:
            return ordered.last.map { .decimal(units: Int128(time - $0.time), scale: 6) } ?? .null
        }
    }

    private func finished(_ value: OracleValue, _ field: String) -> Value {
        switch (value, type(field)) {
        case (.text(let text), _): .string(text)
        case (.integer(let n), .bool): .bool(n != 0)
        case (.integer(let n), .decimal(let scale)): .decimal(units: Int128(n), scale: scale)
        case (.integer(let n), _): .int(n)
        }
    }

    private static func hash(_ value: OracleValue) -> UInt64 {
        switch value {
        case .integer(let n): XXHash64.hash(n)
        case .text(let text): EventMemory.hash(text)
        }
    }

    private func map(_ pairs: [(OracleValue, Int128)], _ maxKeys: Int, _ finish: (Int128) -> Value) -> Value {
        var sums: [String: Int128] = [:]
        for (key, amount) in pairs {
            let text = switch key {
            case .integer(let n): String(n)
            case .text(let text): text
            }
            sums[text, default: 0] += amount
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
