package import FeatureStore

/// What is observed of one value of a feature.
package enum Observed: Sendable, Equatable {
    /// No value: missing, defaulted, null, or a number that is none.
    case null
    case number(Double)
    /// Of a string.
    case hash(UInt64)
    /// Nothing is known yet, or no longer, as when a shard catches up and the row has moved on: it does not count.
    case left

    package init(_ value: FeatureValue) {
        if value.isForgotten {
            self = .left
            return
        }
        switch value.status {
        case .warming: self = .left
        case .missing, .defaulted, .overdue: self = .null
        case .present, .stale, .fallback: self.init(value.value)
        }
    }

    package init(_ value: Value) {
        switch value {
        case .null: self = .null
        case .bool, .int, .decimal, .double:
            let number = value.nearestDouble ?? .nan
            self = number.isFinite ? .number(number) : .null
        case .string(let text): self = .hash(Self.hash(text))
        case .map(let entries): self = .number(Double(entries.count))
        case .list(let elements): self = .number(Self.length(elements) ?? Double(elements.count))
        }
    }

    package static func hash(_ text: String) -> UInt64 {
        var text = text
        return text.withUTF8 { XXHash64.hash(UnsafeRawBufferPointer($0)) }
    }

    /// The Euclidean length of a list of doubles.
    private static func length(_ elements: [Value]) -> Double? {
        guard !elements.isEmpty else { return nil }
        var squares = 0.0
        for element in elements {
            guard case .double(let number) = element else { return nil }
            squares += number * number
        }
        return squares.isFinite ? squares.squareRoot() : nil
    }
}
