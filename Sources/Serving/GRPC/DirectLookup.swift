internal import FeatureStore
internal import Serving
internal import ServingTransport

/// A `LookupRequest` that names a service and one key and nothing else, as most do: read in place.
struct DirectLookup {
    let service: UnsafeRawBufferPointer
    let key: UnsafeRawBufferPointer

    /// Nil: it is of another kind, or not well-formed, or its key is not ASCII. `LookupRequest` reads those.
    init?(protobuf bytes: UnsafeRawBufferPointer) {
        var service: UnsafeRawBufferPointer?, key: UnsafeRawBufferPointer?
        var reader = ProtobufReader(bytes)
        do throws(MalformedMessage) {
            while let field = try reader.nextField() {
                switch (field.number, field.type) {
                case (1, .bytes) where service == nil: service = try reader.message().bytes
                case (3, .bytes) where key == nil: key = try reader.message().bytes
                default: return nil
                }
            }
        } catch {
            return nil
        }
        guard let service, !service.isEmpty, let key, key.allSatisfy({ $0 < 0x80 }) else { return nil }
        self.service = service
        self.key = key
    }
}

/// What the answers to direct lookups of all connections of an event loop are made in.
///
/// Belongs to its event loop.
final class CallScratch {
    private var out = ProtobufWriter(capacity: 4096)
    private var vector = Vector()

    private static let perLoop = PerLoop { CallScratch() }
    static var current: CallScratch { perLoop.current }

    /// A `LookupResponse`.
    func answer(_ lookup: DirectLookup, _ service: LookupService) throws(LookupProblem) -> [UInt8] {
        switch try service.entity(service: lookup.service, key: lookup.key, in: &vector).get() {
        case .full(let answer): return answer.protobuf()
        case .plain(let answer):
            out.reset()
            answer.write(key: lookup.key, vector, to: &out)
            return out.bytes
        }
    }
}
