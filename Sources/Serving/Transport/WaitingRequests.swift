/// Requests that wait for something outside of this process, each as a task that costs next to nothing meanwhile. Bounded.
package final class WaitingRequests: Sendable {
    private let count = BoundedCount(limit: limit)
    /// More than this are refused.
    package static let limit = 10_000

    package init() {}

    /// - Returns: false when too many wait; then `body` is never called.
    package func begin(_ body: @escaping @Sendable () async -> Void) -> Bool {
        guard count.enter() else { return false }
        Task { [self] in
            await body()
            count.leave()
        }
        return true
    }
}
