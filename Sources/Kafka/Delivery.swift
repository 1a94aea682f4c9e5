internal import Synchronization

/// Follows records until each is acknowledged or has failed for good. Give it to `Producer.produce` with each record, then `wait`.
///
/// Reports come in while someone calls the producer's `poll` or `flush`.
public final class Delivery: Sendable {
    private struct State {
        var pending = 0
        var isSealed = false
        var offsets: [TopicPartition: Int64] = [:]
        var error: KafkaError?
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    public init() {}

    /// The newest offset of a record in each partition.
    public var offsets: [TopicPartition: Int64] { state.withLock { $0.offsets } }
    /// The first failure.
    public var error: KafkaError? { state.withLock { $0.error } }

    /// Returns when all records have been reported. Called once, after the last `produce`.
    public func wait() async throws(KafkaError) {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                state.isSealed = true
                if state.pending > 0 { state.waiter = continuation }
                return state.pending == 0
            }
            if isDone { continuation.resume() }
        }
        if let error { throw error }
    }

    func began() { state.withLock { $0.pending += 1 } }

    /// The record was not taken: nothing will be reported.
    func withdrew() { state.withLock { $0.pending -= 1 } }

    func ended(at place: TopicPartition?, offset: Int64, error: KafkaError?) {
        let waiter = state.withLock { state in
            state.pending -= 1
            if let error {
                state.error = state.error ?? error
            } else if let place {
                state.offsets[place] = Swift.max(state.offsets[place] ?? -1, offset)
            }
            return state.isSealed && state.pending == 0 ? state.waiter.take() : nil
        }
        waiter?.resume()
    }
}
