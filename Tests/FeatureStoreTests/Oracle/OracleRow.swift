import FeatureStore

/// One entity's row by definition: every accepted event is kept, and every decision is taken by looking at all of them. SEMANTICS section 3.
struct OracleRow {
    struct StreamState {
        var accepted: [OracleEvent] = []
        /// `T` of the semantics; nil before the first event.
        var newest: Int64?
        var remembered: [(time: Int64, id: UInt64)] = []
        /// Events before this are late; nil: no id was forgotten for want of room.
        var idFloor: Int64?
    }

    let definitions: Definitions
    var streams: [StreamState]
    let memo = OracleMemo()

    init(_ definitions: Definitions) {
        self.definitions = definitions
        streams = definitions.streams.map { _ in StreamState() }
    }

    mutating func offer(_ event: OracleEvent) -> RowEditor.Outcome {
        memo.logs = [:]
        let definition = definitions.streams[event.stream]
        if definition.idPath != nil {
            return offerWithID(event, definition, &streams[event.stream])
        }
        if let newest = streams[event.stream].newest, event.time < newest {
            let views = definitions.views.filter { $0.stream == definition.name }
            let canHold = keepsBesidesTiles(event.time, newest: newest, definition) || views.contains { view in
                if view.keepsEvents { return false }
                let levels = OracleLevels(view)
                return levels.hasLifetime || levels.level(of: event.time, newest: newest) != nil
            }
            if !canHold { return .late }
        }
        streams[event.stream].accepted.append(event)
        streams[event.stream].newest = max(streams[event.stream].newest ?? event.time, event.time)
        return .applied
    }

    private func offerWithID(_ event: OracleEvent, _ definition: StreamDefinition, _ state: inout StreamState) -> RowEditor.Outcome {
        let second: Int64 = 1_000_000
        if let newest = state.newest, event.time < newest - definition.allowedLateness { return .late }
        if let idFloor = state.idFloor, event.time < idFloor { return .late }
        if state.remembered.contains(where: { $0.id == event.id }) { return .duplicate }

        state.accepted.append(event)
        let newest = max(state.newest ?? event.time, event.time)
        state.newest = newest
        state.remembered.append((event.time, event.id))
        state.remembered.removeAll { floorTime($0.time, second) < floorTime(newest - definition.allowedLateness, second) }
        while state.remembered.count > definition.maxIDsPerRow {
            let oldest = floorTime(state.remembered.map(\.time).min()!, second)
            state.remembered.removeAll { floorTime($0.time, second) == oldest }
            state.idFloor = max(state.idFloor ?? .min, oldest + second)
        }
        return .applied
    }
}
