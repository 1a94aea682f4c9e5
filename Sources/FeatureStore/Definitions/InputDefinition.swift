internal import JSONBytes

/// A value that comes with the request and not from the store: what is in the basket, which device asks. Derived features of every entity
/// may use it, and services may have it in their vectors.
public struct InputDefinition: Sendable, Equatable {
    public var name: String
    /// A bool, an int64, a decimal, a double or a string.
    public var type: ValueType
    /// When the request does not give it.
    public var defaultValue: Value?
    public var description: String

    public init(name: String, type: ValueType, defaultValue: Value? = nil, description: String = "") {
        self.name = name
        self.type = type
        self.defaultValue = defaultValue
        self.description = description
    }

    public static let maxStringBytes = FieldDefinition.usualMaxBytes

    /// The value that was given, as one of this input's type; nil: it is none. Numbers are taken by their text, so that a decimal is exact;
    /// digits beyond its scale are rounded half to even, as those of events are.
    package func value(of given: GivenInput) -> Value? {
        switch (type, given) {
        case (_, .null): return .null
        case (.bool, .bool(let value)): return .bool(value)
        case (.string, .string(let text)): return text.utf8.count <= Self.maxStringBytes ? .string(text) : nil
        case (.int, .number(let text)): return Self.parse(text) { JSONNumber.parseInt64($0).value.map(Value.int) }
        case (.decimal(let scale), .number(let text)):
            return Self.parse(text) { JSONNumber.parseDecimal($0, scale: scale).value.map { .decimal(units: Int128($0), scale: scale) } }
        case (.double, .number(let text)):
            return Self.parse(text) { JSONNumber.parseDouble($0).flatMap { $0.isFinite ? .double($0) : nil } }
        default: return nil
        }
    }

    /// The same of a cell of a table, where numbers and bools are texts too.
    package func value(ofText text: String) -> Value? {
        switch type {
        case .string: value(of: .string(text))
        case .bool: text == "true" ? .bool(true) : text == "false" ? .bool(false) : nil
        default: value(of: .number(text))
        }
    }

    private static func parse(_ text: String, _ body: (UnsafeRawBufferPointer) -> Value?) -> Value? {
        var text = text
        return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}

/// A request's value for an input, before its type is looked at.
public enum GivenInput: Sendable, Equatable {
    case null
    case bool(Bool)
    /// As it is written.
    case number(String)
    case string(String)
}
