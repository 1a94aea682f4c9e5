/// Why an event was not applied. Each is counted per stream, in the same transaction as the state; the names are those of the
/// metric label and of the dead-letter header.
public enum DropReason: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    /// Not decodable, a key or the time missing, a value out of range.
    case malformed = 0
    /// A schema that the stream does not declare (Confluent message index, wire magic).
    case unknown
    /// Event time beyond the broker's timestamp by more than `max_clock_skew`.
    case future
    /// Older than the stream's lateness or than every tile that is kept.
    case late
    /// The id was applied before.
    case duplicate
    /// A record without a value (a tombstone): nothing to apply.
    case empty
    /// Before the stream's cut-over time: a backfill took what lies before.
    case beforeCutover
    /// Of an entity that was erased.
    case erased

    public var description: String {
        switch self {
        case .malformed: "malformed"
        case .unknown: "unknown"
        case .future: "future"
        case .late: "late"
        case .duplicate: "duplicate"
        case .empty: "empty"
        case .beforeCutover: "before_cutover"
        case .erased: "erased"
        }
    }
}
