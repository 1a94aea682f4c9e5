internal import CRdKafka
internal import Synchronization

/// Owns a client that many threads use at once: `with` keeps it alive for the call, `close` waits for the running calls.
final class Client: Sendable {
    private nonisolated(unsafe) let handle: OpaquePointer
    private let users = Atomic(0)
    private let isClosed = Atomic(false)

    init(_ handle: OpaquePointer) { self.handle = handle }

    /// - Throws: `_STATE` once closed.
    @inline(__always)
    func with<R>(_ body: (OpaquePointer) -> R) throws(KafkaError) -> R {
        users.add(1, ordering: .sequentiallyConsistent)
        defer { users.subtract(1, ordering: .sequentiallyConsistent) }
        guard !isClosed.load(ordering: .sequentiallyConsistent) else {
            throw KafkaError(RD_KAFKA_RESP_ERR__STATE, "the client is closed")
        }
        return body(handle)
    }

    /// Runs `prepare` on the client and destroys it, once.
    func close(_ prepare: (OpaquePointer) -> Void) {
        guard !isClosed.exchange(true, ordering: .sequentiallyConsistent) else { return }
        // Calls last milliseconds (a flush: its timeout), so serving them meanwhile is all that is needed.
        while users.load(ordering: .sequentiallyConsistent) > 0 { rd_kafka_poll(handle, 10) }
        prepare(handle)
        rd_kafka_destroy(handle)
    }
}
