/// What a view costs in a row.
public struct ViewBytes: Sendable {
    /// Of one non-empty tile, and of the sequences that are kept once per row.
    public var tile: Int
    public var sequence: Int
    /// Of one event, in a view that keeps them instead, and of one that its events are attributed to.
    public var event: Int?
    public var attributedEvent: Int?

    public init(tile: Int, sequence: Int, event: Int? = nil, attributedEvent: Int? = nil) {
        self.tile = tile
        self.sequence = sequence
        self.event = event
        self.attributedEvent = attributedEvent
    }
}

extension Definitions {
    /// Events that a typical customer has in a view that keeps them, for the estimate of a row.
    static var typicalEventsPerView: Int { 20 }

    /// What a view keeps and why, after its name.
    func describeKept(_ view: ViewDefinition, _ bytes: ViewBytes?) -> String {
        guard case .events(let max) = view.keep else {
            let tiles = bytes.map { "; \($0.tile) bytes per tile, \($0.sequence) per row for sequences" } ?? ""
            return tiles + (view.appliesRetractions ? "" : "; retractions are ignored")
        }
        var text = "; keeps events instead of tiles, at most \(max)"
        if let event = bytes?.event { text += ", \(event) bytes per event" }
        let held = [view.stream] + (view.attribution.map { [$0.stream] } ?? [])
        let retracting = streams.filter { stream in held.contains { $0 == stream.retracts?.stream } }
        if !retracting.isEmpty {
            text += "; \(view.appliesRetractions ? "retracted by" : "ignores the retractions of") \(retracting.map(\.name).joined(separator: ", "))"
        }
        if let attribution = view.attribution {
            text += "; attributed to \(attribution.stream)\(attribution.filter.map { " where \($0)" } ?? "") of the same \(attribution.match)"
                + " within \(DurationText.format(attribution.within)), of which at most \(attribution.maxEvents) are kept"
            if let event = bytes?.attributedEvent { text += ", \(event) bytes each" }
        }
        return text
    }
}
