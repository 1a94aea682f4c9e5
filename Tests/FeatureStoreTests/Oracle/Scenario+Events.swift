import FeatureStore
import TestSupport

extension Scenario {
    /// As `Scenario(seed:)`, but with views that keep events, exact and calendar windows, retractions and attribution.
    ///
    /// `isCut`: rows run out of room for events and retractions.
    init(keepingEvents seed: UInt64, withinLateness: Bool = false, isCut: Bool = true) {
        self.init(seed: seed, withinLateness: withinLateness)
        var random = SeededGenerator(seed: seed ^ 0x5EED)
        for i in definitions.views.indices {
            if random.one(in: 4) { definitions.views[i].features = Self.withCalendar(definitions.views[i].features, &random) }
            guard !random.one(in: 5) else { continue }
            definitions.views[i].keep = .events(max: isCut ? random.pick([1, 2, 3, 7, 30, 1000]) : 10_000)
            for j in definitions.views[i].features.indices where random.one(in: 3) {
                if case .sliding(let length, _) = definitions.views[i].features[j].window {
                    definitions.views[i].features[j].window = .sliding(length: length, hop: 1)
                }
            }
        }
        addRetraction(isCut, withinLateness, &random)
        addAttribution(isCut, &random)
        if withinLateness { holdTimes() }
    }

    private static let zones = [
        "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham", "UTC",
    ]

    /// Gives some features calendar windows, where their hop and the others' divide one another.
    private static func withCalendar(_ features: [FeatureDefinition], _ random: inout SeededGenerator) -> [FeatureDefinition] {
        let fits = features.allSatisfy { feature in
            guard case .sliding(_, let hop) = feature.window else { return true }
            return CalendarWindow.hop % hop == 0 || hop % CalendarWindow.hop == 0
        }
        guard fits else { return features }
        var features = features
        let days = try! CalendarDays.named(random.pick(zones))
        for i in features.indices where random.one(in: 2) {
            let window = CalendarWindow(random.pick(CalendarWindow.Unit.allCases), days: days, weekStart: random.pick(CalendarWindow.Weekday.allCases))
            features[i].window = .calendar(window)
        }
        return features
    }

    /// Lets one stream's events retract another's, or its own.
    private mutating func addRetraction(_ isCut: Bool, _ withinLateness: Bool, _ random: inout SeededGenerator) {
        let targets = definitions.streams.indices.filter { definitions.streams[$0].idPath != nil }
        guard !targets.isEmpty, !random.one(in: 4) else { return }
        let target = random.pick(targets), retracting = random.int(0...definitions.streams.count - 1)
        var names: [UInt64: String] = [:]
        for i in events.indices where events[i].stream == target {
            let name = names[events[i].id] ?? "\(names.count * 7 + 1)"
            names[events[i].id] = name
            events[i].id = EventMemory.hash(name)
        }
        let byNumber = random.one(in: 3)
        for i in events.indices where events[i].stream == retracting && !random.one(in: 4) {
            let name = random.one(in: 5) ? "99999" : "\(random.int(0...max(0, names.count - 1)) * 7 + 1)"
            events[i].fields[byNumber ? 1 : 0] = byNumber ? .integer(Int64(name)!) : .text(name)
            if definitions.streams[retracting].idPath == nil { events[i].id = OracleEvent.tieBreak(events[i].fields) }
        }
        // The same event again has the same values again.
        for i in events.indices where definitions.streams[events[i].stream].idPath != nil {
            if let first = events[..<i].first(where: { $0.stream == events[i].stream && $0.id == events[i].id }) { events[i].fields = first.fields }
        }
        var retraction = RetractionDefinition(stream: definitions.streams[target].name, field: byNumber ? "n" : "s")
        if random.one(in: 3) {
            retraction.filter = "b == true"
            filters["retraction of \(definitions.streams[retracting].name)"] = { $0.fields[3] == .integer(1) }
        }
        definitions.streams[retracting].retracts = retraction
        if isCut, definitions.streams[retracting].idPath == nil { definitions.streams[retracting].maxIDsPerRow = random.pick([1, 2, 3, 4096]) }
        let isAsked = definitions.views.contains { $0.keepsEvents && $0.stream == retraction.stream }
        if isAsked, retracting != target, random.one(in: 2) {
            definitions.views.removeAll { $0.stream == definitions.streams[retracting].name }
        }
        for i in definitions.views.indices where isAsked && random.one(in: 8) && definitions.views.filter(\.appliesRetractions).count > 1 {
            let others = definitions.views.indices.contains { $0 != i && definitions.views[$0].keepsEvents && definitions.views[$0].appliesRetractions && definitions.views[$0].stream == retraction.stream }
            if others { definitions.views[i].appliesRetractions = false }
        }
    }

    private mutating func addAttribution(_ isCut: Bool, _ random: inout SeededGenerator) {
        guard definitions.streams.count > 1 else { return }
        for i in definitions.views.indices where definitions.views[i].keepsEvents && !random.one(in: 3) {
            guard let other = definitions.streams.first(where: { $0.name != definitions.views[i].stream }) else { continue }
            var attribution = AttributionDefinition(
                stream: other.name, match: random.pick(["s", "n", "b"]),
                within: random.pick([.seconds(1), .minutes(10), .hours(5), .days(7), .days(400)]),
                maxEvents: isCut ? random.pick([1, 3, 30, 1000]) : 10_000)
            if random.one(in: 3) {
                attribution.filter = "n > 1"
                filters["attribution of \(definitions.views[i].name)"] = {
                    if case .integer(let n)? = $0.fields[1] { n > 1 } else { false }
                }
            }
            definitions.views[i].attribution = attribution
            for j in definitions.views[i].features.indices where random.one(in: 3) {
                definitions.views[i].features[j].aggregation = .conversion
                definitions.views[i].features[j].defaultValue = nil
            }
        }
    }

    /// Moves the events of streams without ids to where something keeps them, whichever comes first.
    private mutating func holdTimes() {
        for (index, stream) in definitions.streams.enumerated() where stream.idPath == nil {
            var span: Int64 = 0
            for view in definitions.views where view.stream == stream.name {
                for feature in view.features {
                    span = max(span, view.history + (feature.window == .lifetime ? .days(365) : feature.window.reach!.length))
                }
            }
            let first = events.filter { $0.stream == index }.map(\.time).min() ?? 0
            for i in events.indices where events[i].stream == index { events[i].time = first + (events[i].time - first) % (1 + span) }
        }
    }
}
