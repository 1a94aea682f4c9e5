internal import Glibc
package import NIOCore

/// How long an event loop has been at its present turn: the sockets that were ready when it last looked, one after another.
///
/// Requests are answered where their bytes arrive, so those that wait do so in the sockets' buffers, where nobody sees them. But whatever is
/// read late in a turn was there when the turn began, or came after: the time since then is how long a request has waited, give or take
/// one turn. That is enough to tell when the server falls behind, and costs one reading of the clock a turn.
///
/// Belongs to its event loop; only that thread touches it.
package final class LoopTurn: @unchecked Sendable {
    /// When the turn began, in ns of the monotonic clock.
    package private(set) var began: Int64
    private var isUnderWay = false
    private let clock: () -> Int64

    package init(clock: @escaping () -> Int64 = LoopTurn.now) {
        self.clock = clock
        began = clock()
    }

    private static let perLoop = PerLoop { LoopTurn() }
    package static var current: LoopTurn { perLoop.current }

    /// Called when bytes arrive. The turn ends when the loop comes to its tasks, which is after all that was ready.
    package func enter(_ loop: any EventLoop) {
        if isUnderWay { return }
        isUnderWay = true
        began = clock()
        loop.assumeIsolated().execute {
            self.isUnderWay = false
            self.send()
        }
    }

    // MARK: Answers of a turn

    /// Has the sender called when the turn ends, or as soon as `mostSenders` wait; at once when no turn is under way.
    ///
    /// Answers are sent together, because sending wakes who waits for them: a client with many connections that is woken for each takes the processor from this loop each time,
    /// where they share it. (Redis writes its replies together, too.)
    package func atEnd(_ sender: any TurnSender) {
        senders.append(sender)
        if !isUnderWay || senders.count == Self.mostSenders { send() }
    }

    private var senders: [any TurnSender] = []
    private var sending: [any TurnSender] = []
    private static let mostSenders = 16

    private func send() {
        guard sending.isEmpty else { return }  // Whoever comes while others send is sent by the loop below.
        while !senders.isEmpty {
            swap(&senders, &sending)
            for sender in sending { sender.turnEnded() }
            sending.removeAll(keepingCapacity: true)
        }
    }

    /// ns since the turn began.
    package var waited: Int64 { clock() - began }

    /// ns of the monotonic clock.
    package static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// Who has answers to send at the end of a turn.
package protocol TurnSender: AnyObject {
    /// Twice in a turn is fine.
    func turnEnded()
}

extension Duration {
    /// Past three centuries it does not matter how long.
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds > 9_000_000_000 ? .max : seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
