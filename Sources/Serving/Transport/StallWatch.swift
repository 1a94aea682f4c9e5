package import NIOCore

/// Since when a client keeps its connection waiting: with a request that is not all here, or with answers that it does not read.
///
/// The timer runs only while there is something to wait for, so that a connection whose requests come whole costs nothing.
package struct StallWatch {
    /// When the connection was made.
    package let created = LoopTurn.now()
    private var incompleteSince: Int64?
    package var isUnread = false
    package var unreadSince: Int64 = 0
    private var timer: Scheduled<Void>?

    package init() {}

    /// Part of a request is here. Parts of the same one do not begin anew.
    package mutating func began(at time: Int64) { if incompleteSince == nil { incompleteSince = time } }

    package mutating func ended() { incompleteSince = nil }

    package var isWaiting: Bool { incompleteSince != nil || isUnread }

    /// Whether either has lasted since `limit` or longer; ns.
    package func isOverdue(_ limit: Int64) -> Bool {
        if let incompleteSince, incompleteSince <= limit { return true }
        return isUnread && unreadSince <= limit
    }

    package var isArmed: Bool { timer != nil }

    /// Calls `check` once, on the event loop.
    package mutating func arm(_ loop: any EventLoop, in time: Duration, _ check: @escaping () -> Void) {
        timer = loop.assumeIsolated().scheduleTask(in: .nanoseconds(time.nanoseconds), check)
    }

    package mutating func fired() { timer = nil }

    package mutating func cancel() {
        timer?.cancel()
        timer = nil
    }
}
