internal import FeatureStore
internal import JSONBytes
internal import NIOCore
internal import Serving
internal import ServingTransport

/// What the answers of all connections of an event loop are made in: one piece of memory for all of them stays in the processor's caches, one for each
/// connection would not.
///
/// Belongs to its event loop.
final class LoopScratch {
    let date = DateHeader()
    private var json = JSONWriter(reservingBytes: 4096)
    private var vector = Vector()

    private static let perLoop = PerLoop { LoopScratch() }
    static var current: LoopScratch { perLoop.current }

    /// Answers the plain lookup of one entity. Gives the problem when there is one, and nothing is written then.
    func answer(_ target: EntityTarget, _ service: LookupService, into output: inout ByteBuffer) -> LookupProblem? {
        json.reset()
        if let problem = service.writeEntity(service: target.service, key: target.key, to: &json, in: &vector) { return problem }
        output.writeBytes(date.headOfJSON)
        json.withBytes { body in
            output.writeContentLength(body.count)
            output.writeBytes(body)
        }
        return nil
    }
}
