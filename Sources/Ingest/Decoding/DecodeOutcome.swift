public import FeatureStore

/// What became of one record.
public enum DecodeOutcome: Sendable {
    /// Appended to the batch.
    case event
    /// Nothing was appended. `EventDecoder.fault` puts the detail into words.
    case dropped(DropReason, DecodeFaultDetail)
}

/// Which value of an event is wrong, how and where. Trivial: a flood of bad events costs no more than good ones.
public struct DecodeFaultDetail: Sendable, Equatable {
    public var problem: DecodeProblem
    /// Index of the value in the stream's order: keys, fields, time, id; negative when the record as a whole is meant.
    public var slot: Int16
    /// Offset of the fault in the record's value.
    public var position: Int

    public init(_ problem: DecodeProblem, slot: Int = -1, position: Int = 0) {
        self.problem = problem
        self.slot = Int16(truncatingIfNeeded: slot)
        self.position = position
    }
}

/// A dropped event in words, for the dead-letter headers and the log.
public struct DecodeFault: Error, Sendable, CustomStringConvertible {
    /// `malformed`, `unknown` or `empty`.
    public let reason: DropReason
    let detail: DecodeFaultDetail
    let subject: String
    /// What a string may have.
    let maxBytes: Int

    /// Field, problem and byte position.
    public var what: String { "\(subject) \(detail.problem.text(maxBytes: maxBytes)) (byte \(detail.position))" }
    public var description: String { "\(reason): \(what)" }
}
