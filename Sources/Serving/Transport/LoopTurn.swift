internal import Glibc
package import NIOCore
internal import NIOPosix

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

    private static let ofThread = ThreadSpecificVariable<LoopTurn>()

    /// That of the event loop whose thread this is.
    package static var current: LoopTurn {
        if let known = ofThread.currentValue { return known }
        let made = LoopTurn()
        ofThread.currentValue = made
        return made
    }

    /// Called when bytes arrive. The turn ends when the loop comes to its tasks, which is after all that was ready.
    package func enter(_ loop: any EventLoop) {
        if isUnderWay { return }
        isUnderWay = true
        began = clock()
        loop.assumeIsolated().execute { self.isUnderWay = false }
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

extension Duration {
    /// Past three centuries it does not matter how long.
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds > 9_000_000_000 ? .max : seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
