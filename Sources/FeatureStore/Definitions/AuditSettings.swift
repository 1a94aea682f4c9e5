/// `audit:`: which requests are written down, and where.
public struct AuditSettings: Sendable, Equatable {
    /// The file that records are appended to.
    public var file: String
    /// A file that has grown to this is put aside, and the next begins.
    public var maxFileBytes = 64 << 20
    /// A copy of each record goes to this topic, too.
    public var topic: String?
    public var onFailure = OnFailure.refuse
    public var events = Set(Event.usual)
    /// Of lookups, when they are written down: so many of a million.
    public var lookupsPerMillion = 1_000_000
    /// Whether records have the keys of entities.
    public var hasEntityKeys = false

    public enum OnFailure: String, Sendable, CaseIterable {
        /// What would have to be written down is not done.
        case refuse
        /// It is done, and counted as lost.
        case `continue`
    }

    public enum Event: String, Sendable, CaseIterable {
        /// Requests that were not allowed.
        case refusals
        case pushes, erasures, admin, explain
        case lookups

        public static let usual: [Event] = [.refusals, .pushes, .erasures, .admin, .explain]
    }

    public init(file: String) { self.file = file }
}
