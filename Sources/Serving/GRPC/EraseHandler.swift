internal import FeatureStore
internal import Serving

/// `millrace.serving.v1.FeatureService/Erase` and `/GetErasure`.
struct EraseHandler {
    let service: LookupService

    func registerMethods(with table: inout MethodTable) {
        let definitions = service.source.definitions
        table.registerWaiting(
            "millrace.serving.v1.FeatureService", "Erase",
            read: { (bytes) throws(LookupProblem) in try Asked(protobuf: bytes) },
            needs: { _ in .erase }, audit: { AuditEvent(erasing: $0.keys, of: $0.entity) }
        ) { [service] (asked) async throws(LookupProblem) in
            try await service.erase(EraseRequest(entity: asked.entity, keys: asked.keys, definitions: definitions)).protobuf()
        }
        table.registerUnary(
            "millrace.serving.v1.FeatureService", "GetErasure",
            read: { (bytes) throws(LookupProblem) in try Self.receipt(bytes) },
            needs: { _ in .erase }, audit: { AuditEvent(.admin, "erasure", target: $0) }
        ) { [service] (receipt, _) throws(LookupProblem) in
            try service.erasure(receipt: receipt).protobuf()
        }
    }

    /// What is to be checked once it is known that the sender may erase.
    fileprivate struct Asked: Sendable {
        var entity = ""
        var keys: [String] = []
    }

    private static func receipt(_ bytes: UnsafeRawBufferPointer) throws(LookupProblem) -> String {
        var receipt = ""
        do throws(MalformedMessage) {
            var reader = ProtobufReader(bytes)
            while let field = try reader.nextField() {
                if field.number == 1, field.type == .bytes { receipt = try reader.string() } else { try reader.skip(field.type) }
            }
        } catch {
            throw LookupProblem(error, "a GetErasureRequest")
        }
        return receipt
    }
}

extension EraseHandler.Asked {
    /// `millrace.serving.v1.EraseRequest`.
    fileprivate init(protobuf bytes: UnsafeRawBufferPointer) throws(LookupProblem) {
        self.init()
        do throws(MalformedMessage) {
            var reader = ProtobufReader(bytes)
            while let field = try reader.nextField() {
                switch (field.number, field.type) {
                case (1, .bytes): entity = try reader.string()
                case (2, .bytes) where keys.count <= EraseRequest.maxKeys: keys.append(try reader.string())
                default: try reader.skip(field.type)
                }
            }
        } catch {
            throw LookupProblem(error, "an EraseRequest")
        }
    }
}

extension EraseAnswer {
    /// `millrace.serving.v1.ErasureReceipt`.
    fileprivate func protobuf() -> [UInt8] {
        var out = ProtobufWriter(capacity: 256)
        out.string(1, receipt.receipt)
        out.string(2, receipt.entity)
        out.int64(3, receipt.time)
        out.int64(4, receipt.outcome.number)
        for pseudonym in receipt.pseudonyms { out.set(5, pseudonym.description) }
        for shard in receipt.shards {
            out.message(6) { out in
                out.int64(1, Int64(shard.shard))
                out.int64(2, Int64(shard.erased))
                out.bool(3, shard.isPurged)
            }
        }
        for number in receipt.missing { out.set(7, Int64(number)) }
        if offsets.isEmpty { return out.bytes }
        out.string(8, SourceOffset.token(offsets))
        out.offsets(9, offsets)
        return out.bytes
    }
}

extension ErasureReceipt.Outcome {
    fileprivate var number: Int64 {
        switch self {
        case .pending: 1
        case .erased: 2
        case .purged: 3
        }
    }
}
