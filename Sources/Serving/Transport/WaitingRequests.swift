internal import Synchronization

/// Requests that wait for something outside of this process, each as a task that costs next to nothing meanwhile. Bounded.
package final class WaitingRequests: Sendable {
    private let count = Atomic(0)
    /// More than this are refused.
    package static let limit = 10_000

    package init() {}

    /// - Returns: false when too many wait; then `body` is never called.
    package func begin(_ body: @escaping @Sendable () async -> Void) -> Bool {
        guard count.wrappingAdd(1, ordering: .relaxed).newValue <= Self.limit else {
            count.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        Task { [self] in
            await body()
            count.wrappingSubtract(1, ordering: .relaxed)
        }
        return true
    }
}
