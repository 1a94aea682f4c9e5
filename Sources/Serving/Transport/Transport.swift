package import FeatureStore
package import NIOCore
package import Serving

/// What all transports of a process share: how much they take on, and the threads for large requests. Made once.
package final class Transport: Sendable {
    package let service: LookupService
    /// Nil: nobody needs a credential.
    package let access: AccessGuard?
    /// Nil: nothing is written down.
    package let audit: AuditLog?
    /// Nil: connections are not encrypted.
    package let tls: TLSContexts?
    /// Each lookup is written down, or a sample is.
    package let auditsLookups: Bool
    package let batches: BatchPool
    package let waits = WaitingRequests()
    package let held: HeldBytes
    private let connections: BoundedCount
    /// ns; see `ServerSettings.maxWait`.
    private let maxWait: Int64

    package init(service: LookupService, access: AccessGuard? = nil, audit: AuditLog? = nil, tls: TLSContexts? = nil) {
        self.service = service
        self.access = access
        self.audit = audit
        self.tls = tls
        auditsLookups = audit?.takes(.lookups) ?? false
        let settings = service.source.definitions.server
        batches = BatchPool(threads: settings.batchThreads, maxWaiting: settings.maxWaitingBatches)
        connections = BoundedCount(limit: settings.maxConnections)
        held = HeldBytes(limit: settings.maxHeldBytes)
        maxWait = settings.maxWait * 1_000
    }

    package var settings: ServerSettings { service.source.definitions.server }

    /// How long a client may take over a request, or over reading an answer.
    package var patience: Duration { .microseconds(settings.clientTimeout) }

    /// Requests of up to so many entities are answered on their event loop: some 100 µs of work.
    package static let maxKeysOnEventLoop = 16

    /// Whether a request read now has waited so long that it is refused, so that others are answered in time.
    ///
    /// - Parameter isLarge: large ones are refused after half of the time, which leaves the rest of it to small ones.
    @inline(__always)
    package func isLate(_ turn: LoopTurn, isLarge: Bool = false) -> Bool { turn.waited > (isLarge ? maxWait / 2 : maxWait) }

    /// Takes a connection in, or says that there are too many.
    package func admit(_ channel: any Channel) -> Bool {
        guard connections.enter() else {
            service.metrics.connectionRefused()
            return false
        }
        channel.closeFuture.whenComplete { [connections] _ in connections.leave() }
        // A client that vanished without a word is found out in the end.
        try? channel.syncOptions?.setOption(.socketOption(.so_keepalive), value: 1)
        return true
    }
}
