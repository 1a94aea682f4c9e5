internal import Glibc
package import NIOCore
package import NIOSSL
package import Serving

/// The other side of a connection, and whose its credentials were found to be.
///
/// A client sends the same credential with every request: its bytes are compared with the last ones, and nothing is hashed or looked up. What was found holds until
/// the credential expires, until the keys that it was checked with have changed, or for a minute.
///
/// Belongs to the connection's event loop.
package final class Peer: @unchecked Sendable {
    package let address: ClientAddress
    private let access: AccessGuard?
    /// Nil: the connection is not encrypted.
    package var tls: NIOSSLServerHandler?
    /// Of the client certificate; found when it is first asked for, which is after the handshake.
    private var certificate: Principal?
    private var certificateUntil: Int64 = 0
    private var hasLookedAtCertificate = false
    private var remembered: [UInt8] = []
    private var principal: Principal?
    private var generation = 0
    private var until: Int64 = 0

    /// ns.
    private static let longest: Int64 = 60_000_000_000
    /// Seconds: no connection lasts longer.
    private static let decade: Int64 = 10 * 366 * 86_400

    package init(_ address: SocketAddress?, _ access: AccessGuard?) {
        self.access = access
        self.address = access == nil ? .unknown : ClientAddress(address)
    }

    /// - Parameters:
    ///   - authorization: the value of the field of that name; empty: there is none.
    ///   - now: ns of the monotonic clock.
    @inline(__always)
    package func standing(_ authorization: UnsafeRawBufferPointer, at now: Int64) -> Caller.Standing {
        guard let access else { return .unguarded }
        if let principal, now < until, generation == access.generation, isRemembered(authorization) {
            return .known(principal)
        }
        return find(authorization, now, access)
    }

    @inline(__always)
    private func isRemembered(_ authorization: UnsafeRawBufferPointer) -> Bool {
        guard authorization.count == remembered.count else { return false }
        return remembered.withUnsafeBytes { known in
            guard let known = known.baseAddress, let given = authorization.baseAddress else { return authorization.isEmpty }
            return memcmp(known, given, authorization.count) == 0
        }
    }

    private func find(_ authorization: UnsafeRawBufferPointer, _ now: Int64, _ access: AccessGuard) -> Caller.Standing {
        if authorization.isEmpty {
            if let certificate = certificate(access), now < certificateUntil {
                remember([], certificate, certificateUntil - now, now, access.generation)
                return .known(certificate)
            }
            return .anonymous
        }
        let generation = access.generation
        switch access.resolve(authorization: authorization, address) {
        case .failure(let refusal): return .refused(refusal)
        case .success(let resolved):
            remember(Array(authorization), resolved.principal, min(resolved.lasts, Self.longest / 1_000) * 1_000, now, generation)
            return .known(resolved.principal)
        }
    }

    private func remember(_ bytes: [UInt8], _ principal: Principal, _ lasts: Int64, _ now: Int64, _ generation: Int) {
        remembered = bytes
        self.principal = principal
        self.generation = generation
        until = now + min(lasts, Self.longest)
    }

    private func certificate(_ access: AccessGuard) -> Principal? {
        if !hasLookedAtCertificate, let tls {
            hasLookedAtCertificate = true
            if let shown = tls.peerCertificate {
                certificate = access.resolve(certificate: shown.names)
                certificateUntil = LoopTurn.now() + min(Int64(shown.notValidAfter) - Int64(time(nil)), Self.decade) * 1_000_000_000
            }
        }
        return certificate
    }
}

extension ClientAddress {
    package init(_ address: SocketAddress?) {
        guard let address, let text = address.ipAddress else {
            self = .unknown
            return
        }
        switch address {
        case .v4(let v4): self.init(text: text, bytes: withUnsafeBytes(of: v4.address.sin_addr) { Array($0) })
        case .v6(let v6): self.init(text: text, bytes: withUnsafeBytes(of: v6.address.sin6_addr) { Array($0) })
        case .unixDomainSocket: self = .unknown
        }
    }
}
