internal import FeatureStore
internal import Serving

/// `millrace.serving.v1.FeatureService`: registered by hand, because our codec goes straight to bytes.
struct FeatureServiceHandler {
    let service: LookupService

    func registerMethods(with table: inout MethodTable) {
        let maxKeys = service.source.definitions.server.maxKeysPerRequest
        table.registerUnary(
            "millrace.serving.v1.FeatureService", "Lookup",
            read: { (bytes) throws(LookupProblem) in try LookupRequest(protobuf: bytes, maxKeys: maxKeys) }, keyCount: { $0.keys.count },
            wait: { waiting($0.minPosition) }
        ) { [service] (request) throws(LookupProblem) in
            try service.lookup(request).get().protobuf()
        }
        table.registerUnary(
            "millrace.serving.v1.FeatureService", "LookupPacked",
            read: { (bytes) throws(LookupProblem) in try PackedLookupRequest(protobuf: bytes, maxKeys: maxKeys) },
            keyCount: { $0.lookup.keys.count }, wait: { waiting($0.lookup.minPosition) }
        ) { [service] (request) throws(LookupProblem) in
            let body = try service.lookup(request.lookup).get().packed(request.element)
            var out = ProtobufWriter(capacity: body.count + 8)
            out.set(1, body)
            return out.bytes
        }
        table.registerUnary(
            "millrace.serving.v1.FeatureService", "ListServices",
            // It has no fields, so whatever it holds is unknown.
            read: { (_) throws(LookupProblem) in () }
        ) { [service] (_) throws(LookupProblem) in
            service.servicesProtobuf()
        }
        table.registerUnary(
            "millrace.serving.v1.FeatureService", "Explain",
            read: { (bytes) throws(LookupProblem) in try Explanation.Query(protobuf: bytes) },
            // It may take some milliseconds.
            keyCount: { _ in .max }
        ) { [service] (query) throws(LookupProblem) in
            try service.explain(query).get().protobuf()
        }
    }

    private func waiting(_ offsets: [SourceOffset]) -> (@Sendable () async throws(LookupProblem) -> Void)? {
        if offsets.isEmpty { return nil }
        return { [service] () async throws(LookupProblem) in try await service.wait(for: offsets) }
    }
}
