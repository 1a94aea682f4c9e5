internal import NIOCore
internal import NIOPosix
internal import Serving
internal import ServingTransport
internal import Synchronization

/// `grpc.health.v1.Health`, the standard probe: the same condition as `/readyz`.
struct HealthHandler: Sendable {
    let service: LookupService

    private static let known = Set(["", "millrace.serving.v1.FeatureService"] + FeastHandler.services)
    /// Of `HealthCheckResponse.ServingStatus`.
    private static let serving: Int64 = 1, notServing: Int64 = 2, serviceUnknown: Int64 = 3

    func registerMethods(with table: inout MethodTable) {
        table.registerHealth("Check", .unary { (bytes) throws(LookupProblem) in
            let name = try Self.serviceName(bytes)
            guard Self.known.contains(name) else {
                throw LookupProblem(
                    .unknownService, detail: "There is no gRPC service \"\(name)\".",
                    remedy: "Ask for \"\", the whole server, or for \"millrace.serving.v1.FeatureService\".")
            }
            return Call(need: .open, event: { nil }, work: .reads(keyCount: 1) { (_) throws(LookupProblem) in Self.response(status) })
        })
        table.registerHealth("Watch", .watch { (bytes) throws(LookupProblem) in
            let isKnown = Self.known.contains(try Self.serviceName(bytes))
            return HealthWatch { isKnown ? status : Self.serviceUnknown }
        })
    }

    private var status: Int64 { service.readiness().isReady ? Self.serving : Self.notServing }

    /// `HealthCheckResponse { ServingStatus status = 1; }`
    static func response(_ status: Int64) -> [UInt8] {
        var out = ProtobufWriter(capacity: 2)
        out.int64(1, status)
        return out.bytes
    }

    /// `HealthCheckRequest { string service = 1; }`
    private static func serviceName(_ bytes: UnsafeRawBufferPointer) throws(LookupProblem) -> String {
        var name = ""
        do throws(MalformedMessage) {
            var reader = ProtobufReader(bytes)
            while let field = try reader.nextField() {
                if field.number == 1, field.type == .bytes { name = try reader.string() } else { try reader.skip(field.type) }
            }
        } catch {
            throw LookupProblem(error, "a HealthCheckRequest", remedy: "Use the stubs of grpc.health.v1.")
        }
        return name
    }
}

/// A call of `Watch`: the status now, and again whenever it has changed. It ends with the client, or with the server.
struct HealthWatch: Sendable {
    let status: @Sendable () -> Int64

    func begin(on exchange: HTTP2Exchange) -> HTTP2Answer {
        let first = status()
        var answer = HTTP2Answer.message(HealthHandler.response(first))
        answer.staysOpen = true
        answer.trailers = HTTP2Answer.statusFields(StatusCode.unavailable, "The server shuts down.")
        let seen = Atomic(first)
        MultiThreadedEventLoopGroup.singleton.next().scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { task in
            if exchange.isCancelled { return task.cancel() }
            let now = status()
            if seen.exchange(now, ordering: .relaxed) != now { exchange.send(HealthHandler.response(now)) }
        }
        return answer
    }
}
