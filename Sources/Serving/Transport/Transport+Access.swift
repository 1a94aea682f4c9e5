internal import FeatureStore
package import NIOCore
internal import NIOSSL
package import Serving

/// Who asks, and what is written down of it.
extension Transport {
    /// Makes the connection speak TLS, if the server does, in front of the handlers that it has.
    package func secure(_ channel: any Channel, _ port: TLSContexts.Port, _ peer: Peer) throws {
        guard let tls else { return }
        let handler = try tls.handler(port)
        peer.tls = handler
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(TLSEdge(patience: patience, tls), position: .first)
        try pipeline.addHandler(handler, position: .first)
    }

    /// Whether the bytes of connections are neither encrypted nor decrypted.
    package var isPlain: Bool { tls == nil }

    /// Whether anything is to be checked or written down.
    package var isWatched: Bool { access != nil || audit != nil }

    /// Whether a lookup of one entity may be answered at once: it is permitted, and nothing is to be written down.
    @inline(__always)
    package func isDirect(_ standing: Caller.Standing, _ service: UnsafeRawBufferPointer) -> Bool {
        if auditsLookups { return false }
        switch standing {
        case .unguarded: return true
        case .known(let principal): return principal.mayRead(service: service)
        case .anonymous, .refused: return false
        }
    }

    /// What is to be written down of a request when it has ended; nil: nothing is.
    ///
    /// - Throws: when it must not be done, because it could not be written down.
    package func audited(_ event: @autoclosure () -> AuditEvent?) throws(LookupProblem) -> AuditEvent? {
        guard let audit, let event = event(), audit.takes(event.kind) else { return nil }
        try audit.admit(event.kind)
        return event
    }

    /// - Parameter outcome: `ok`, or the slug of a problem.
    package func ended(_ event: AuditEvent?, _ caller: Caller, outcome: String) {
        if let event { audit?.record(event, caller, outcome: outcome) }
    }

    /// A request ends with `problem`. One that was not allowed is written down as such.
    ///
    /// - Parameter wanted: what it was about.
    package func ended(_ event: AuditEvent?, _ caller: Caller, _ problem: LookupProblem, wanted: @autoclosure () -> AuditEvent?) {
        guard problem.isRefusal else { return ended(event, caller, outcome: problem.slug) }
        access?.metrics.refused(problem.kind)
        switch caller.standing {
        case .unguarded, .known: break
        case .anonymous: if access?.missing(caller.address) != true { return }
        case .refused(let refusal): if !refusal.isNoted { return }
        }
        guard let audit, audit.takes(.refusals) else { return }
        var refused = wanted() ?? AuditEvent(.refusals, "unknown")
        refused.kind = .refusals
        audit.record(refused, caller, outcome: problem.slug)
    }
}

extension Transport {
    /// What the guards count.
    package func families() -> [MetricFamily] { (access?.metrics.families() ?? []) + (audit?.families() ?? []) + (tls?.families() ?? []) }
}
