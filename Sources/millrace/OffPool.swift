internal import Foundation
internal import ServingTransport

/// Blocking work has its own thread, not one of the task pool's.
func offPool<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<R, any Error>) in
        Thread.detachNewThread {
            LoopThreads.keepOff()
            continuation.resume(with: Result { try body() })
        }
    }
}
