/// One event as it would be produced to Kafka. Reuse one value for all calls of `ShopGenerator.next(into:)`: its buffers keep their
/// memory, so that the steady state allocates nothing.
public struct GeneratedEvent: Sendable {
    /// The stream that the event belongs to.
    public enum Kind: Sendable { case click, purchase }

    /// What is special about the event; for tests and for the summary that a command prints.
    public enum Origin: Sendable {
        /// In time, whole, sent once or for the first time.
        case fresh
        /// Its event time lies behind the clock: up to 2 h, seldom up to 3 days.
        case late
        /// The same bytes as an event sent before.
        case duplicate
        /// Not decodable, on purpose.
        case malformed
    }

    public internal(set) var kind: Kind = .click
    public internal(set) var origin: Origin = .fresh
    /// µs since the epoch; a whole number of milliseconds, as the payload says it.
    public internal(set) var eventTimeMicros: Int64 = 0
    /// The customer id, the record's key; also of a malformed event.
    public internal(set) var customer: [UInt8] = []
    /// The record's value: one JSON object without line breaks.
    public internal(set) var payload: [UInt8] = []

    public init() {
        customer.reserveCapacity(32)
        payload.reserveCapacity(EventWriter.maxBytes)
    }

    /// Takes the contents of another event into this one's own buffers.
    mutating func copy(_ other: GeneratedEvent) {
        kind = other.kind
        origin = other.origin
        eventTimeMicros = other.eventTimeMicros
        customer.removeAll(keepingCapacity: true)
        customer.append(contentsOf: other.customer)
        payload.removeAll(keepingCapacity: true)
        payload.append(contentsOf: other.payload)
    }
}
