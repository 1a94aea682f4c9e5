internal import FeatureStore
internal import Foundation
internal import Ingest
internal import Logging
internal import ServiceLifecycle
internal import Serving
internal import ServingJWT
internal import ServingTransport

/// What guards the server: made before it listens, kept up to date while it runs, and ended after it.
struct Guards: Service {
    let access: AccessGuard?
    let audit: AuditLog?
    let tls: TLSContexts?
    private let tokens: SignedTokens?
    private let copies: ServedProducer?
    private let logger: Logger

    /// Reads certificates and keys, and opens the audit log.
    init(_ definitions: Definitions, logger: Logger) async throws {
        self.logger = logger
        tls = try definitions.server.tls.map { try TLSContexts($0) }
        var tokens: SignedTokens?
        if let jwt = definitions.access?.jwt { tokens = try await SignedTokens(jwt) }
        self.tokens = tokens
        let now: @Sendable () -> Int64 = { Store.now() }
        if let settings = definitions.access, !settings.isOpen {
            access = AccessGuard(settings, verifier: tokens?.verifier, now: now)
        } else {
            access = nil
        }
        let copies = try definitions.audit?.topic.map { _ in try ServedProducer(definitions.kafka) }
        self.copies = copies
        audit = try definitions.audit.map { settings in
            var copy: (@Sendable ([UInt8]) -> Bool)?
            if let copies, let topic = settings.topic {
                let key = Array(definitions.name.utf8)
                copy = { line in
                    key.withUnsafeBytes { key in line.withUnsafeBytes { copies.take(topic, key, $0) } }
                }
            }
            let log = AuditLog(settings, now: now, copy: copy) { Self.tell($0, logger) }
            try log.start()
            return log
        }
        warn(definitions)
    }

    private func warn(_ definitions: Definitions) {
        let server = definitions.server
        let isFar = !ServerSettings.isLoopback(server.httpHost) || !ServerSettings.isLoopback(server.grpcHost)
        if definitions.access?.isOpen == true { logger.warning("access is open: whoever reaches this server may read, push and erase everything") }
        if access != nil, tls == nil, isFar {
            logger.warning("credentials cross the network as they are: set server.tls, or let a proxy speak TLS in front of this server")
        }
        warnOfExpiry()
    }

    private func warnOfExpiry() {
        guard let tls else { return }
        let days = (Double(tls.notAfter) - Date().timeIntervalSince1970) / 86_400
        if days < 0 { logger.error("the server's certificate has expired: clients refuse it") } else if days < 14 {
            logger.warning("the server's certificate expires in \(Int(days)) days")
        }
    }

    func run() async throws {
        copies?.start()
        while !Task.isShuttingDownGracefully {
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(1)) }
            if Task.isCancelled { break }
            await reload()
        }
        if let audit {
            audit.stop()
            logger.notice("the audit log ends with record \(audit.head)")
        }
        copies?.stop()
    }

    /// Files that are half written are wrong for a moment: what is wrong is said, and tried again when it changes.
    private func reload() async {
        if let tls {
            do throws(TLSContexts.Failure) {
                if try tls.reloadIfChanged() {
                    logger.notice("new certificates: connections made from now on have them")
                    warnOfExpiry()
                }
            } catch {
                logger.warning("the certificates stay what they were: \(error)")
            }
        }
        if let tokens {
            do throws(SignedTokens.Failure) {
                if try await tokens.reloadIfChanged() { logger.notice("new keys for JWTs") }
            } catch {
                logger.warning("the keys for JWTs stay what they were: \(error)")
            }
        }
    }

    private static func tell(_ notice: AuditLog.Notice, _ logger: Logger) {
        switch notice {
        case .failing(let what): logger.error("\(what); tried again every second")
        case .resumed: logger.notice("the audit log is written again")
        case .torn(let bytes): logger.warning("the audit log ended in the middle of a record: \(bytes) bytes of it were taken off")
        case .setAside(let file, let head): logger.notice("the audit log goes on in a new file after \(file); its newest record is \(head)")
        }
    }
}
