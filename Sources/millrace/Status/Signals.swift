internal import Foundation
internal import Synchronization

/// SIGINT and SIGTERM for commands that run a plain loop: the loop ends at its next turn; a second signal ends the process.
enum Signals {
    private static let interrupted = Atomic(false)

    static var isInterrupted: Bool { interrupted.load(ordering: .relaxed) }

    static func stopOnInterrupt() {
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                Signals.interrupted.store(true, ordering: .relaxed)
                signal(number, SIG_DFL)
            }
        }
    }
}
