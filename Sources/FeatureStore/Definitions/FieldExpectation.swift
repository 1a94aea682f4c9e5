/// What is expected of a field's values: watched, not enforced (docs/MONITORING.md).
public struct FieldExpectation: Sendable, Equatable {
    /// Largest share of an hour's events in which the field is null.
    public var nulls: Double?
    /// As the field's values are decoded: a number, or units of a decimal.
    public var min: Int64?
    public var max: Int64?
    /// The only texts that a string may be; empty: any.
    public var values: [String] = []
    /// Of a string.
    public var maxBytes: Int?
    public init() {}
}

/// Events of a stream that are expected in a minute.
public struct VolumeExpectation: Sendable, Equatable {
    public var min: Int?
    public var max: Int?
    public init() {}
}
