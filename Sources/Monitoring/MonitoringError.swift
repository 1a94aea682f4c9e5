public import LMDB

/// What monitoring cannot do; each says what to do about it.
public enum MonitoringError: Error, CustomStringConvertible {
    /// LMDB refused.
    case storage(LMDBError)
    case damaged(String, directory: String)
    case unknownFeature(String, nearest: String?)
    /// Several entities have one of this name.
    case ambiguous(String, entities: [String])
    case export(String, file: String)

    public var description: String {
        switch self {
        case .storage(let error): "\(error)"
        case .damaged(let what, let directory):
            "\(directory): \(what). It holds nothing but the summaries of monitoring: remove it, and they begin anew"
        case .unknownFeature(let name, let nearest):
            "There is no watched feature \"\(name)\"." + (nearest.map { " Did you mean \"\($0)\"?" } ?? "")
        case .ambiguous(let name, let entities): "\(entities.joined(separator: " and ")) have a feature \"\(name)\": say which entity is meant."
        case .export(let what, let file): "\(file): \(what)"
        }
    }
}
