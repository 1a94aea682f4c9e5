/// Why rows were not pushed.
public enum PushError: Error, Sendable, CustomStringConvertible {
    /// A row cannot be an event of the stream. Nothing was produced.
    case row(Int, String)
    /// Not all rows were acknowledged; those that were count.
    case delivery(String)
    /// Not all records of an erasure were acknowledged.
    case erasure(String)

    public var description: String {
        switch self {
        case .row(let number, let what): "row \(number): \(what)"
        case .erasure(let what): "the erasure is not known to be stored: \(what). Erase again, which does no harm"
        case .delivery(let what): "not all rows are known to be stored: \(what). Push them again: of each feature the newest value counts, once"
        }
    }
}
