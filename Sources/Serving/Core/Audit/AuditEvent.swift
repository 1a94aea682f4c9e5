public import FeatureStore

/// What somebody did or wanted to do, before it is known how it ended.
public struct AuditEvent: Sendable {
    /// Whether it is written down is said by this.
    public var kind: AuditSettings.Event
    /// `lookup`, `explain`, `push`, `erase`, `shards`, ...
    public var operation: String
    /// Of which service, view or entity.
    public var target: String
    /// How many entities or rows.
    public var entities: Int
    /// Written down only where `audit.entity_keys` asks for them.
    public var keys: [String]

    /// More keys than these are not written down.
    public static let maxKeys = 100

    public init(_ kind: AuditSettings.Event, _ operation: String, target: String = "", entities: Int = 0, keys: [String] = []) {
        self.kind = kind
        self.operation = operation
        self.target = target
        self.entities = entities
        self.keys = keys
    }
}
