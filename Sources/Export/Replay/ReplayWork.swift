internal import Synchronization

/// What the replaying threads share: which bucket is next, how many rows are done, the first failure.
final class ReplayWork: Sendable {
    private struct State {
        var next = 0
        var rows = 0
        var failure: ExportError?
        var counts = ReplayCounts()
    }

    let total: Int
    private let state = Mutex(State())

    init(total: Int) { self.total = total }

    /// Nil when all are taken, or one has failed.
    func nextBucket(of count: Int) -> Int? {
        state.withLock { state in
            guard state.failure == nil, state.next < count else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    func note(rows: Int) -> Int {
        state.withLock { state in
            state.rows += rows
            return state.rows
        }
    }

    func fail(_ error: any Error) {
        let failure = error as? ExportError
            ?? ExportError("the replay failed: \(error)", remedy: "this is a fault of the program; please report it with the definitions")
        state.withLock { state in if state.failure == nil { state.failure = failure } }
    }

    var failure: ExportError? { state.withLock { $0.failure } }

    func add(_ counts: ReplayCounts) { state.withLock { $0.counts += counts } }
    var counts: ReplayCounts { state.withLock { $0.counts } }
}
