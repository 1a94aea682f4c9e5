/// All that a row of one entity may hold: the streams that describe it and the views over them.
package final class EntityPlan: Sendable {
    package struct Stream: Sendable {
        /// Index into `Definitions.streams`.
        package var index: Int
        /// Names the stream's section in a row; given once per store and never reused.
        package var id: UInt16
        /// Which of the event's keys is this entity's; -1: it is a singleton, and every event describes it.
        package var keyIndex: Int
        package var keyCount: Int
        package var hasIDs: Bool
        package var allowedLateness: Microseconds
        package var maxIDs: Int
        /// Indexes into `views`; none where the stream only retracts or is what others are attributed to.
        package var views: [Int]
    }

    /// Index into `Definitions.entities`.
    package let index: Int
    package let name: String
    package let isSingleton: Bool
    /// First byte of the LMDB key of this entity's rows; given once per store and never reused.
    package let keyPrefix: UInt8
    package let streams: [Stream]
    package let views: [ViewPlan]
    /// The events that rows keep themselves, and the retractions that they remember.
    package let logs: [EventLogPlan]
    package let retractions: [RetractionPlan]
    /// What the keys of its rows are hashed with; nil: they are the ids themselves.
    package let rowKeys: PseudonymKey?

    package init(
        index: Int, name: String, keyPrefix: UInt8, streams: [Stream], views: [ViewPlan], logs: [EventLogPlan] = [],
        retractions: [RetractionPlan] = [], isSingleton: Bool = false, rowKeys: PseudonymKey? = nil
    ) {
        self.index = index
        self.name = name
        self.isSingleton = isSingleton
        self.keyPrefix = keyPrefix
        self.streams = streams
        self.views = views
        self.logs = logs
        self.retractions = retractions
        self.rowKeys = rowKeys
    }

    /// The same rows with these views only, in this order. All streams stay, and what is kept for others than single views.
    package func keeping(views kept: [Int]) -> EntityPlan {
        EntityPlan(
            index: index, name: name, keyPrefix: keyPrefix,
            streams: streams.map { stream in
                var reduced = stream
                reduced.views = stream.views.compactMap { kept.firstIndex(of: $0) }
                return reduced
            },
            views: kept.map { views[$0] },
            logs: logs.filter { log in log.kind != .view || kept.contains { views[$0].id == log.id } },
            retractions: retractions, isSingleton: isSingleton, rowKeys: rowKeys)
    }
}
