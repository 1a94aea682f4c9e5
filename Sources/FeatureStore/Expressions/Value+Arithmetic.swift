/// How derivations compute with values. What has no result is null, or nil.
extension Value {
    static func finite(_ value: Double) -> Value { value.isFinite ? .double(value) : .null }

    /// Of a number; nil of anything else.
    var asDouble: Double? {
        switch self {
        case .int(let value): Double(value)
        case .decimal(let units, let scale): Decimal128(units: units, scale: scale).double
        case .double(let value): value.isFinite ? value : nil
        default: nil
        }
    }

    /// Of an int64 or a decimal.
    private var asDecimal: Decimal128? {
        switch self {
        case .int(let value): Decimal128(units: Int128(value), scale: 0)
        case .decimal(let units, let scale): Decimal128(units: units, scale: scale)
        default: nil
        }
    }

    /// Less than 0, 0 or greater than 0; nil when one is null or they do not compare. Exact unless a double takes part.
    static func order(_ a: Value, _ b: Value) -> Int? {
        // The others would do; it is the most frequent case.
        if case .int(let a) = a, case .int(let b) = b { return a < b ? -1 : (a == b ? 0 : 1) }
        if let a = a.asDecimal, let b = b.asDecimal { return Decimal128.order(a, b) }
        if let a = a.asDouble, let b = b.asDouble { return a < b ? -1 : (a == b ? 0 : 1) }
        switch (a, b) {
        case (.string(let a), .string(let b)): return a.utf8.elementsEqual(b.utf8) ? 0 : (a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1)
        case (.bool(let a), .bool(let b)): return a == b ? 0 : (b ? -1 : 1)
        default: return nil
        }
    }

    var isNegative: Bool {
        switch self {
        case .int(let value): value < 0
        case .decimal(let units, _): units < 0
        case .double(let value): value < 0
        default: false
        }
    }

    var negated: Value {
        switch self {
        case .int(let value): value == .min ? .null : .int(-value)
        case .decimal(let units, let scale): units == .min ? .null : .decimal(units: -units, scale: scale)
        case .double(let value): .finite(-value)
        default: .null
        }
    }

    /// As an int64; null when it does not fit.
    func rounded(_ rule: FloatingPointRoundingRule) -> Value {
        switch self {
        case .int: return self
        case .double(let value): return Int64(exactly: value.rounded(rule)).map(Value.int) ?? .null
        case .decimal(let units, let scale):
            guard let divisor = Decimal128.power(scale) else { return .null }
            let (quotient, rest) = units.quotientAndRemainder(dividingBy: divisor)
            let step: Int128 =
                switch rule {
                case .up: rest > 0 ? 1 : 0
                case .down: rest < 0 ? -1 : 0
                default: rest.magnitude >= divisor.magnitude - rest.magnitude ? (rest < 0 ? -1 : 1) : 0
                }
            // The quotient leaves room for one more unless the divisor is 1, and then there is no rest.
            return Int64(exactly: rest == 0 ? quotient : quotient + step).map(Value.int) ?? .null
        default: return .null
        }
    }

    func converted(to type: ValueType) -> Value {
        switch type {
        case .double: return asDouble.map(Value.finite) ?? .null
        case .decimal(let scale):
            guard let units = asDecimal?.exactly(scale: scale) else { return .null }
            return .decimal(units: units, scale: scale)
        default: return self
        }
    }
}
