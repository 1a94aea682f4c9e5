/// Features of one entity over one stream: aggregations × windows, with an optional filter. One view is one timeline of tiles, or one
/// log of events.
public struct ViewDefinition: Sendable {
    public var name: String
    public var entity: String
    public var stream: String
    /// A boolean expression over the stream's fields; nil takes every event.
    public var filter: String?
    /// Extra time for which old tiles are kept at full resolution, so that `as_of` may go this far behind the newest event.
    public var history: Microseconds
    public var keep: Keep
    /// Whether events that are retracted do not count; only in views that keep events.
    public var appliesRetractions: Bool
    /// Of the events only those that followed one of another stream; only in views that keep events.
    public var attribution: AttributionDefinition?
    /// Its features are pushed: the time of each value is its own, not that of the view's newest event.
    public var isPushed: Bool
    public var classification = Classification()
    public var features: [FeatureDefinition]

    /// What a row keeps of a view.
    public enum Keep: Sendable, Equatable {
        case tiles
        /// The newest `max` events themselves.
        case events(max: Int)
        public static let defaultMaxEvents = 1000
    }

    public init(
        name: String, entity: String, stream: String, filter: String? = nil, history: Microseconds = 0,
        keep: Keep = .tiles, appliesRetractions: Bool = true, attribution: AttributionDefinition? = nil,
        isPushed: Bool = false, features: [FeatureDefinition]
    ) {
        self.name = name
        self.entity = entity
        self.stream = stream
        self.filter = filter
        self.history = history
        self.keep = keep
        self.appliesRetractions = appliesRetractions
        self.attribution = attribution
        self.isPushed = isPushed
        self.features = features
    }

    public var keepsEvents: Bool { keep != .tiles }
}

/// An event counts only when an event of `stream` with the same value of `match` came at most `within` before it.
public struct AttributionDefinition: Sendable, Equatable {
    public var stream: String
    /// A boolean expression over the fields of `stream`; nil takes every event.
    public var filter: String?
    /// A field of both streams.
    public var match: String
    public var within: Microseconds
    /// Of `stream`, how many a row keeps.
    public var maxEvents: Int
    public init(
        stream: String, filter: String? = nil, match: String, within: Microseconds,
        maxEvents: Int = ViewDefinition.Keep.defaultMaxEvents
    ) {
        self.stream = stream
        self.filter = filter
        self.match = match
        self.within = within
        self.maxEvents = maxEvents
    }
}

/// One aggregation over one window. `clicks: {aggregation: count, windows: [5m, 1h]}` in the file makes two of these,
/// named `clicks_5m` and `clicks_1h`.
public struct FeatureDefinition: Sendable {
    /// The name that services and derived features use, window suffix included.
    public var name: String
    public var aggregation: Aggregation
    public var window: Window
    /// Served, with the status `defaulted`, when there is no value.
    public var defaultValue: Value?
    /// A value whose newest event is older than this is served with the status `stale`.
    public var ttl: Microseconds?
    public var classification = Classification()
    public var description: String

    public init(
        name: String, aggregation: Aggregation, window: Window, defaultValue: Value? = nil, ttl: Microseconds? = nil,
        description: String = ""
    ) {
        self.name = name
        self.aggregation = aggregation
        self.window = window
        self.defaultValue = defaultValue
        self.ttl = ttl
        self.description = description
    }
}

/// What is computed of the events of a window. Fields are names of the view's stream.
public enum Aggregation: Sendable, Equatable, Hashable {
    /// Events; with a field, events in which it is not null.
    case count(field: String?)
    case sum(field: String)
    case mean(field: String)
    case min(field: String)
    case max(field: String)
    case first(field: String)
    case last(field: String)
    /// Newest first. `distinct` keeps each value once, at its newest time.
    case lastN(field: String, n: Int, distinct: Bool)
    /// Exact up to `DistinctCell.exactLimit` values, estimated beyond.
    case distinctCount(field: String)
    /// Events per value of `by`, at most `maxKeys` of them.
    case countBy(by: String, maxKeys: Int)
    /// Sum of `field` per value of `by`, at most `maxKeys` of them.
    case sumBy(field: String, by: String, maxKeys: Int)
    /// Seconds from the newest event to the time asked for; a decimal with 6 digits.
    case timeSinceLast
    /// Seconds from the window's oldest event to the time asked for; a decimal with 6 digits.
    case timeSinceFirst
    /// Of the population.
    case deviation(field: String)
    /// `percent` in thousandths of a percent; `accuracy`, the relative error, in ten-thousandths.
    case percentile(field: String, percent: Int, accuracy: Int, maxBuckets: Int)
    /// The most frequent values with counts and shares, out of at most `maxKeys`.
    case topK(field: String, k: Int, maxKeys: Int)
    /// Each event counts half as much for every half-life that it is old; with a field, those in which it is not null.
    case decayedCount(field: String?, halfLife: Microseconds)
    case decayedSum(field: String, halfLife: Microseconds)
    /// Sessions end where no event comes for longer than the gap.
    case sessionCount(gap: Microseconds)
    /// Mean time from the first to the last event of a session, in seconds.
    case sessionLength(gap: Microseconds)
    /// The share of sessions of one event.
    case bounceRate(gap: Microseconds)
    /// UTC days in a row with events.
    case streak
    /// Events of the window, all of them attributed, per event of the stream that they are attributed to; only in views with `attribution`.
    case conversion
}

public enum Window: Sendable, Equatable, Hashable {
    /// `floor(t/hop)·hop − length ≤ event time ≤ t`. A hop of 1 µs makes the left edge exact; only views that keep events have it.
    case sliding(length: Microseconds, hop: Microseconds)
    /// From when the day, the week or the month of `t` began.
    case calendar(CalendarWindow)
    /// Every event since the store began.
    case lifetime

    /// The hop ladder, largest first.
    public static let ladder: [Microseconds] = [
        .days(1), .hours(6), .hours(1), .minutes(15), .minutes(5), .minutes(1), .seconds(15), .seconds(5),
    ]

    /// The largest hop of the ladder that is at most 1/60 of `length` (over-inclusion at most 1.7 %). Windows under five minutes take
    /// the smallest, 5 s.
    public static func ladderHop(length: Microseconds) -> Microseconds {
        ladder.first { $0 <= length / 60 } ?? ladder[ladder.count - 1]
    }

    /// The hop of a window whose left edge is not snapped.
    public static let exactHop: Microseconds = 1

    /// What is kept for this window: so far back, in tiles of that length. Nil: everything.
    package var reach: (length: Microseconds, hop: Microseconds)? {
        switch self {
        case .sliding(let length, let hop): (length, hop)
        case .calendar(let window): (window.reach, CalendarWindow.hop)
        case .lifetime: nil
        }
    }
}

/// An expression over other features of the same entity, finished at read.
public struct DerivedDefinition: Sendable {
    public var name: String
    public var entity: String
    public var expression: String
    public var defaultValue: Value?
    public var classification = Classification()
    public var description: String
    public init(name: String, entity: String, expression: String, defaultValue: Value? = nil, description: String = "") {
        self.name = name
        self.entity = entity
        self.expression = expression
        self.defaultValue = defaultValue
        self.description = description
    }
}

/// A named, versioned, ordered list of features that one model reads: the contract of a vector.
public struct ServiceDefinition: Sendable {
    public var name: String
    public var version: Int
    public var entity: String
    public var features: [String]
    /// What it says of single features, by name.
    public var served: [String: ServedFeature] = [:]
    /// Where it looks for values that the entity does not have, first to last.
    public var fallback: [FallbackLevel] = []
    /// How long after a request has come it is answered with what has been read; nil: everything is read.
    public var deadline: Microseconds?
    /// Values are `stale` when the shard is further than this behind its topics.
    public var maxStaleness: Microseconds?
    /// Where copies of its answers go.
    public var log: ServedLogDefinition?
    public var description: String
    public init(
        name: String, version: Int = 1, entity: String, features: [String], maxStaleness: Microseconds? = nil,
        description: String = ""
    ) {
        self.name = name
        self.version = version
        self.entity = entity
        self.features = features
        self.maxStaleness = maxStaleness
        self.description = description
    }
}

/// Answers of a service that are produced to a topic, too.
public struct ServedLogDefinition: Sendable, Equatable {
    public var topic: String
    /// Of a million entities, how many are logged: chosen by a hash of the key, so it is all answers of an entity or none.
    public var perMillion: Int

    public init(topic: String, perMillion: Int) {
        self.topic = topic
        self.perMillion = perMillion
    }
}
