import FeatureStore

/// What a shard must have of each customer, by definition. SEMANTICS, sections 3 and 13.
struct OracleShard {
    private let definitions: Definitions
    private(set) var rows: [String: OracleRow] = [:]
    private var erased: Set<String> = []
    private(set) var applied = 0
    private(set) var dropped: [DropReason: Int] = [:]

    init(_ definitions: Definitions) { self.definitions = definitions }

    mutating func erase(_ key: String) {
        erased.insert(key)
        rows[key] = nil
    }

    mutating func offer(_ event: OracleEvent, _ key: String) {
        if erased.contains(key) { return dropped[.erased, default: 0] += 1 }
        var row = rows[key] ?? OracleRow(definitions)
        switch row.offer(event) {
        case .applied: applied += 1
        case .late: dropped[.late, default: 0] += 1
        case .duplicate: dropped[.duplicate, default: 0] += 1
        }
        // What accepts nothing leaves no row.
        if row.streams.contains(where: { $0.newest != nil }) { rows[key] = row }
    }
}
