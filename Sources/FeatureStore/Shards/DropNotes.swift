/// Which events of a batch were dropped while it was applied: the last few of each reason, for whoever wants to see one. The counts are in
/// `StreamCounts`.
package struct DropNotes: Sendable {
    package static let perReason = 4
    /// By `DropReason.rawValue`: indexes of events in the batch.
    package private(set) var events: [[Int]] = Array(repeating: [], count: DropReason.allCases.count)
    package private(set) var isEmpty = true

    package init() {}

    mutating func add(_ reason: DropReason, event: Int) {
        isEmpty = false
        let index = Int(reason.rawValue)
        if events[index].count == Self.perReason { events[index].removeFirst() }
        events[index].append(event)
    }

    mutating func removeAll() {
        if isEmpty { return }
        isEmpty = true
        for index in events.indices { events[index].removeAll(keepingCapacity: true) }
    }
}
