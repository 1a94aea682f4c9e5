/// How long data is kept, as the definitions say, held against what lies in the shards.
///
/// Retention is by the newest event of the row and never by the clock (docs/SEMANTICS.md, section 5), so the report says both: whether any row has
/// something that is older, before its newest event, than declared, which would be a fault; and how much lies in rows that nothing happens to any more.
public struct RetentionReport: Sendable {
    /// What rows keep of one view, of what others are attributed to, or of one stream's ids or retractions.
    public struct Part: Sendable {
        public enum Kind: String, Sendable { case view, attribution, ids, retractions }

        public var entity: String
        public var kind: Kind
        /// The view's or the stream's.
        public var name: String
        /// The furthest before its row's newest event that anything may be, µs; nil: there is no bound (lifetime windows).
        public var declared: Microseconds?
        /// Rows that have any of it.
        public var rows = 0
        /// The oldest event, tile or id that was found, µs; lifetime tiles, which have no beginning, left out.
        public var oldest: Int64?
        /// The furthest before its row's newest event that something was found, µs.
        public var longest: Microseconds = 0
        /// Rows with something older than declared.
        public var violations = 0
        /// Rows of which something would be dropped if their next event came now.
        public var prunable = 0

        mutating func note(oldest time: Int64?, newest: Int64, bound: Int64, boundNow: Int64) {
            rows += 1
            guard let time else { return }
            oldest = Swift.min(oldest ?? time, time)
            longest = Swift.max(longest, newest - time)
            if time < bound { violations += 1 }
            if time < boundNow { prunable += 1 }
        }
    }

    /// Rows of one entity by the age of their newest event.
    public struct Ages: Sendable {
        public var entity: String
        /// By `bounds`, the last beyond all of them.
        public var rows: [Int]
        public static let bounds: [Microseconds] = [.days(1), .days(7), .days(30), .days(90), .days(400)]

        init(_ entity: String) {
            self.entity = entity
            rows = Array(repeating: 0, count: Self.bounds.count + 1)
        }
    }

    /// When it was made, µs.
    public let time: Int64
    public internal(set) var parts: [Part] = []
    public internal(set) var ages: [Ages] = []
    public internal(set) var shards = 0
    public internal(set) var rows = 0
    /// Rows that do not have the format.
    public internal(set) var damaged = 0

    public var violations: Int { parts.reduce(0) { $0 + $1.violations } }
    /// Nothing is older than declared, and every row could be read.
    public var isKept: Bool { violations == 0 && damaged == 0 }

    /// Of nothing.
    public init(time: Int64 = 0) { self.time = time }
}
