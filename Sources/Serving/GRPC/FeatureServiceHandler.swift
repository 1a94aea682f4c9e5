internal import FeatureStore
internal import GRPCCore
internal import Serving

/// `millrace.serving.v1.FeatureService`: registered by hand, because our codec goes straight to bytes.
struct FeatureServiceHandler: RegistrableRPCService {
    let service: LookupService

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        let maxKeys = service.source.definitions.server.maxKeysPerRequest
        router.registerUnary(
            "millrace.serving.v1.FeatureService", "Lookup", metrics: service.metrics,
            read: { (bytes) throws(LookupProblem) in try LookupRequest(protobuf: bytes, maxKeys: maxKeys) }
        ) { [service] (request) throws(LookupProblem) in
            try service.lookup(request).get().protobuf()
        }
        router.registerUnary(
            "millrace.serving.v1.FeatureService", "LookupPacked", metrics: service.metrics,
            read: { (bytes) throws(LookupProblem) in try PackedLookupRequest(protobuf: bytes, maxKeys: maxKeys) }
        ) { [service] (request) throws(LookupProblem) in
            let body = try service.lookup(request.lookup).get().packed(request.element)
            var out = ProtobufWriter(capacity: body.count + 8)
            out.set(1, body)
            return out.bytes
        }
        router.registerUnary(
            "millrace.serving.v1.FeatureService", "ListServices", metrics: service.metrics,
            // It has no fields, so whatever it holds is unknown.
            read: { (_) throws(LookupProblem) in () }
        ) { [service] (_) throws(LookupProblem) in
            service.servicesProtobuf()
        }
        router.registerUnary(
            "millrace.serving.v1.FeatureService", "Explain", metrics: service.metrics,
            read: { (bytes) throws(LookupProblem) in try Explanation.Query(protobuf: bytes) }
        ) { [service] (query) throws(LookupProblem) in
            try service.explain(query).get().protobuf()
        }
    }
}

extension RPCRouter {
    /// A method that takes one message and answers one, counted under its status.
    mutating func registerUnary<Input: Sendable>(
        _ service: String, _ method: String, metrics: ServingMetrics,
        read: @escaping @Sendable (UnsafeRawBufferPointer) throws(LookupProblem) -> Input,
        answer: @escaping @Sendable (Input) throws(LookupProblem) -> [UInt8]
    ) {
        registerHandler(
            forMethod: MethodDescriptor(fullyQualifiedService: service, method: method),
            deserializer: Deserializer(read: read), serializer: BytesSerializer()
        ) { request, _ in
            metrics.requestBegan()
            do {
                let message = try await ServerRequest(stream: request).message
                let bytes = try answer(message)
                metrics.grpcEnded(code: 0)
                return StreamingServerResponse(single: ServerResponse(message: bytes))
            } catch {
                let status = (error as? LookupProblem).map { RPCError($0) } ?? error as? RPCError
                    ?? RPCError(code: .unknown, message: "The request could not be read.")
                metrics.grpcEnded(code: status.code.rawValue)
                return StreamingServerResponse(single: ServerResponse(of: [UInt8].self, error: status))
            }
        }
    }
}
