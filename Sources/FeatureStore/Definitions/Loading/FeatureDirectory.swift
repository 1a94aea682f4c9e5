/// Which feature names exist, of which entity and type, while a file is read.
struct FeatureDirectory {
    struct Entry {
        var entity: String
        /// Nil when the feature is named but something about it is wrong.
        var type: ValueType?
        var place: SourcePlace
    }
    /// By entity and name.
    private var entries: [String: [String: Entry]] = [:]
    private var order: [String: [String]] = [:]
    /// Features whose windows could not be read: any name that begins like this may be one of theirs.
    private var brokenPrefixes: [String] = []
    /// Views that could not be read at all: then unknown names prove nothing.
    var isIncomplete = false

    func entry(_ name: String, of entity: String) -> Entry? { entries[entity]?[name] }

    /// Names of one entity in the order of the file.
    func names(of entity: String) -> [String] { order[entity] ?? [] }

    /// Entities that have a feature of this name.
    func entities(with name: String) -> [String] { entries.filter { $0.value[name] != nil }.map(\.key).sorted() }

    mutating func add(_ name: String, _ entry: Entry) {
        entries[entry.entity, default: [:]][name] = entry
        order[entry.entity, default: []].append(name)
    }

    mutating func set(_ type: ValueType?, of name: String, entity: String) { entries[entity]?[name]?.type = type }

    mutating func addBroken(prefix: String) { brokenPrefixes.append(prefix + "_") }

    func mayBeBroken(_ name: String) -> Bool { isIncomplete || brokenPrefixes.contains { name.hasPrefix($0) } }
}
