internal import GRPCCore
internal import Serving

/// `grpc.health.v1.Health/Check`, the standard probe: the same condition as `/readyz`. `Watch` is not offered; callers then poll.
struct HealthHandler: RegistrableRPCService {
    let service: LookupService

    private static let known = Set(["", "millrace.serving.v1.FeatureService"] + FeastHandler.services)

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerUnary(
            "grpc.health.v1.Health", "Check", metrics: service.metrics,
            read: { (bytes) throws(LookupProblem) in try Self.serviceName(bytes) }
        ) { [service] (name) throws(LookupProblem) in
            guard Self.known.contains(name) else {
                throw LookupProblem(
                    .unknownService, detail: "There is no gRPC service \"\(name)\".",
                    remedy: "Ask for \"\", the whole server, or for \"millrace.serving.v1.FeatureService\".")
            }
            var out = ProtobufWriter(capacity: 2)
            out.int64(1, service.readiness().isReady ? 1 : 2)  // SERVING, NOT_SERVING
            return out.bytes
        }
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
            throw LookupProblem(
                .badRequest, detail: "The message is not a HealthCheckRequest: \(error.what) at byte \(error.position).",
                remedy: "Use the stubs of grpc.health.v1.")
        }
        return name
    }
}
