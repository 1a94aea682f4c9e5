internal import Foundation

extension DerivationNode {
    func evaluate(_ inputs: (Int) -> Value) -> Value {
        switch self {
        case .constant(let value): return value
        case .input(let index): return inputs(index)
        case .negate(let inner): return inner.evaluate(inputs).negated
        case .integer(let operation, let left, let right):
            guard case .int(let a) = left.evaluate(inputs), case .int(let b) = right.evaluate(inputs) else { return .null }
            let (result, overflow) =
                switch operation {
                case .add: a.addingReportingOverflow(b)
                case .subtract: a.subtractingReportingOverflow(b)
                case .multiply: a.multipliedReportingOverflow(by: b)
                case .divide: a.dividedReportingOverflow(by: b)
                }
            return overflow ? .null : .int(result)
        case .double(let operation, let left, let right):
            guard let a = left.evaluate(inputs).asDouble, let b = right.evaluate(inputs).asDouble else { return .null }
            switch operation {
            case .add: return .finite(a + b)
            case .subtract: return .finite(a - b)
            case .multiply: return .finite(a * b)
            case .divide: return b == 0 ? .null : .finite(a / b)
            }
        case .compare(let comparison, let left, let right):
            let a = left.evaluate(inputs), b = right.evaluate(inputs)
            guard let order = Value.order(a, b) else { return .null }
            return .bool(comparison.holds(order))
        case .isIn(let inner, let members, let negated):
            let value = inner.evaluate(inputs)
            if value.isNull { return .null }
            return .bool(members.contains { Value.order(value, $0) == 0 } != negated)
        case .isNull(let inner, let negated): return .bool(inner.evaluate(inputs).isNull != negated)
        case .not(let inner):
            guard case .bool(let value) = inner.evaluate(inputs) else { return .null }
            return .bool(!value)
        case .and(let parts): return Self.decide(parts, on: false, inputs)
        case .or(let parts): return Self.decide(parts, on: true, inputs)
        case .extreme(let parts, let largest):
            var best = Value.null
            for part in parts {
                let value = part.evaluate(inputs)
                if value.isNull { return .null }
                guard !best.isNull else {
                    best = value
                    continue
                }
                guard let order = Value.order(value, best) else { return .null }
                if largest ? order > 0 : order < 0 { best = value }
            }
            return best
        case .absolute(let inner):
            let value = inner.evaluate(inputs)
            return value.isNegative ? value.negated : value
        case .rounded(let inner, let rule): return inner.evaluate(inputs).rounded(rule)
        case .function(let function, let inner):
            guard let x = inner.evaluate(inputs).asDouble else { return .null }
            switch function {
            case .log: return x > 0 ? .finite(Foundation.log(x)) : .null
            case .log1p: return x > -1 ? .finite(Foundation.log1p(x)) : .null
            case .sqrt: return x >= 0 ? .finite(x.squareRoot()) : .null
            case .exp: return .finite(Foundation.exp(x))
            }
        case .coalesce(let parts):
            for part in parts {
                let value = part.evaluate(inputs)
                if !value.isNull { return value }
            }
            return .null
        case .choose(let condition, let then, let otherwise):
            guard case .bool(let holds) = condition.evaluate(inputs) else { return .null }
            return holds ? then.evaluate(inputs) : otherwise.evaluate(inputs)
        case .clamp(let inner, let low, let high):
            let value = inner.evaluate(inputs), low = low.evaluate(inputs), high = high.evaluate(inputs)
            guard let below = Value.order(value, low), let above = Value.order(value, high) else { return .null }
            return below < 0 ? low : above > 0 ? high : value
        case .entry(let map, let key, let absent):
            guard case .map(let entries) = map.evaluate(inputs), case .string(let key) = key.evaluate(inputs) else { return .null }
            return entries.first { $0.key.utf8.elementsEqual(key.utf8) }?.value ?? absent
        case .share(let map, let key):
            guard case .map(let entries) = map.evaluate(inputs), case .string(let key) = key.evaluate(inputs) else { return .null }
            var total = 0.0, part = 0.0
            for entry in entries {
                guard let value = entry.value.asDouble else { return .null }
                total += value
                if entry.key.utf8.elementsEqual(key.utf8) { part = value }
            }
            return total == 0 ? .null : .finite(part / total)
        case .size(let inner):
            switch inner.evaluate(inputs) {
            case .list(let elements): return .int(Int64(elements.count))
            case .map(let entries): return .int(Int64(entries.count))
            default: return .null
            }
        case .startsWith(let text, let prefix):
            guard case .string(let text) = text.evaluate(inputs), case .string(let prefix) = prefix.evaluate(inputs) else { return .null }
            return .bool(text.utf8.starts(with: prefix.utf8))
        case .converted(let inner, let type): return inner.evaluate(inputs).converted(to: type)
        }
    }

    /// `and` (decided by false) and `or` (decided by true) of values that may be null: null when the others do not decide.
    private static func decide(_ parts: [DerivationNode], on deciding: Bool, _ inputs: (Int) -> Value) -> Value {
        var isUnknown = false
        for part in parts {
            guard case .bool(let value) = part.evaluate(inputs) else {
                isUnknown = true
                continue
            }
            if value == deciding { return .bool(deciding) }
        }
        return isUnknown ? .null : .bool(!deciding)
    }
}
