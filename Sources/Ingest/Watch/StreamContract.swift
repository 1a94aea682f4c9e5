import FeatureStore
import JSONBytes

enum ContractRule: Int, CaseIterable, Sendable {
    case nulls, min, max, values, maxBytes

    var name: String {
        switch self {
        case .nulls: "nulls"
        case .min: "min"
        case .max: "max"
        case .values: "values"
        case .maxBytes: "max_bytes"
        }
    }
}

/// The fields of a stream of which something is expected, as events have them.
struct StreamContract: Sendable {
    struct Field: Sendable {
        var name: String
        var type: FieldType
        /// Position of the value in the event's values.
        var position: Int
        var expectation: FieldExpectation
        var values: [[UInt8]]
    }

    var fields: [Field] = []
    /// Below, the null rate of an hour says nothing.
    static let minChecked: UInt64 = 100

    /// Nil: nothing is expected.
    init?(_ stream: StreamDefinition) {
        for (index, field) in stream.fields.enumerated() {
            guard let expectation = field.expectation else { continue }
            fields.append(Field(
                name: field.name, type: field.type, position: stream.keys.count + index, expectation: expectation,
                values: expectation.values.map { Array($0.utf8) }))
        }
        if fields.isEmpty { return nil }
    }

    /// Of one batch.
    struct Tally: Sendable {
        var checked: UInt64 = 0
        var nulls: UInt64 = 0
        /// By rule; `nulls` is not counted here.
        var violations: [UInt64] = Array(repeating: 0, count: ContractRule.allCases.count)
    }

    /// The rule that a value breaks; nil: none. Null breaks none by itself.
    @inline(__always)
    static func broken(_ field: borrowing Field, _ value: FieldValue) -> ContractRule? {
        switch value.kind {
        case .integer:
            if let min = field.expectation.min, value.word < min { return .min }
            if let max = field.expectation.max, value.word > max { return .max }
        case .string:
            if let limit = field.expectation.maxBytes, value.length > limit { return .maxBytes }
            if !field.values.isEmpty, !field.values.contains(where: { value.bytes.elementsEqual($0) }) { return .values }
        case .null, .vector: break
        }
        return nil
    }

    /// A value as an example shows it.
    static func shown(_ field: Field, _ value: FieldValue) -> String {
        switch value.kind {
        case .string: return "a string of \(value.length) bytes"
        case .null, .vector: return "null"
        case .integer:
            var json = JSONWriter()
            json.decimal(units: Int128(value.word), scale: field.type.decimals)
            return json.text
        }
    }

    /// Since the process began, and of the hour at hand (by the clock: contracts are about what comes in now).
    struct Counts: Sendable {
        var checked: UInt64 = 0
        var violations: [UInt64] = Array(repeating: 0, count: ContractRule.allCases.count)
        var hour: Int64 = 0
        var hourChecked: UInt64 = 0
        var hourNulls: UInt64 = 0
        var hourViolations: UInt64 = 0
        /// Whether the hour was counted as one with too many nulls.
        var isNullHour = false

        var nullRate: Double? { hourChecked > 0 ? Double(hourNulls) / Double(hourChecked) : nil }
        var isViolated: Bool { hourViolations > 0 || isNullHour }

        mutating func turn(to hour: Int64) {
            guard hour > self.hour else { return }
            self.hour = hour
            (hourChecked, hourNulls, hourViolations, isNullHour) = (0, 0, 0, false)
        }

        /// `limit`: of the share of nulls.
        mutating func add(_ tally: Tally, hour: Int64, limit: Double?) {
            turn(to: hour)
            checked += tally.checked
            hourChecked += tally.checked
            hourNulls += tally.nulls
            for (rule, count) in tally.violations.enumerated() {
                violations[rule] += count
                hourViolations += count
            }
            guard let limit, !isNullHour, hourChecked >= StreamContract.minChecked, let rate = nullRate, rate > limit else { return }
            isNullHour = true
            violations[ContractRule.nulls.rawValue] += 1
        }
    }
}
