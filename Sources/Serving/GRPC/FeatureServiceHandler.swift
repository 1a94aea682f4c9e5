internal import FeatureStore
internal import Serving

/// `millrace.serving.v1.FeatureService`: registered by hand, because our codec goes straight to bytes.
struct FeatureServiceHandler {
    let service: LookupService

    func registerMethods(with table: inout MethodTable) {
        let maxKeys = service.source.definitions.server.maxKeysPerRequest
        table.registerUnary(
            "millrace.serving.v1.FeatureService", "Lookup", isLookup: true,
            read: { (bytes) throws(LookupProblem) in try LookupRequest(protobuf: bytes, maxKeys: maxKeys) },
            needs: { [service] in service.need($0.selection) }, audit: { AuditEvent($0) }, keyCount: { $0.keys.count },
            wait: { waiting($0.minPosition) }
        ) { [service] (request, _) throws(LookupProblem) in
            try service.lookup(request).get().protobuf()
        }
        table.registerUnary(
            "millrace.serving.v1.FeatureService", "LookupPacked",
            read: { (bytes) throws(LookupProblem) in try PackedLookupRequest(protobuf: bytes, maxKeys: maxKeys) },
            needs: { [service] in service.need($0.lookup.selection) }, audit: { AuditEvent($0.lookup) },
            keyCount: { $0.lookup.keys.count }, wait: { waiting($0.lookup.minPosition) }
        ) { [service] (request, _) throws(LookupProblem) in
            let body = try service.lookup(request.lookup).get().packed(request.element)
            var out = ProtobufWriter(capacity: body.count + 8)
            out.set(1, body)
            return out.bytes
        }
        table.registerUnary(
            "millrace.serving.v1.FeatureService", "ListServices",
            // It has no fields, so whatever it holds is unknown.
            read: { (_) throws(LookupProblem) in () }, needs: { _ in .catalogue }, audit: { _ in nil }
        ) { [service] (_, caller) throws(LookupProblem) in
            service.servicesProtobuf { caller.sees(service: $0) }
        }
        table.registerUnary(
            "millrace.serving.v1.FeatureService", "Explain",
            read: { (bytes) throws(LookupProblem) in try Explanation.Query(protobuf: bytes) },
            needs: { [service] in service.need($0) }, audit: { AuditEvent($0) },
            // It may take some milliseconds.
            keyCount: { _ in .max }
        ) { [service] (query, _) throws(LookupProblem) in
            try service.explain(query).get().protobuf()
        }
    }

    private func waiting(_ offsets: [SourceOffset]) -> (@Sendable () async throws(LookupProblem) -> Void)? {
        if offsets.isEmpty { return nil }
        return { [service] () async throws(LookupProblem) in try await service.wait(for: offsets) }
    }
}
