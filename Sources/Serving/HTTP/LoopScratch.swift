internal import FeatureStore
internal import JSONBytes
internal import NIOCore
internal import NIOPosix
internal import Serving

/// What the answers of all connections of an event loop are made in: one piece of memory for all of them stays in the processor's caches, one for each
/// connection would not.
///
/// Belongs to its event loop; only that thread touches it.
final class LoopScratch: @unchecked Sendable {
    let date = DateHeader()
    private var json = JSONWriter(reservingBytes: 4096)
    private var vector = Vector()

    private static let ofThread = ThreadSpecificVariable<LoopScratch>()

    /// That of the event loop whose thread this is.
    static var current: LoopScratch {
        if let known = ofThread.currentValue { return known }
        let made = LoopScratch()
        ofThread.currentValue = made
        return made
    }

    /// Answers the plain lookup of one entity. Gives the problem when there is one, and nothing is written then.
    func answer(_ target: EntityTarget, _ service: LookupService, into output: inout ByteBuffer) -> LookupProblem? {
        json.reset()
        if let problem = service.writeEntity(service: target.service, key: target.key, to: &json, in: &vector) { return problem }
        json.withBytes { output.writeJSON($0, head: date.headOfJSON) }
        return nil
    }
}

extension ByteBuffer {
    /// A 200 of JSON in one go.
    ///
    /// - Parameter head: all up to the number of bytes.
    fileprivate mutating func writeJSON(_ body: UnsafeRawBufferPointer, head: [UInt8]) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: head.count + 24 + body.count) { room in
            var at = room.baseAddress!
            func put(_ bytes: UnsafeRawBufferPointer) {
                at.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
                at += bytes.count
            }
            head.withUnsafeBytes(put)
            var digits = 1, power = 10
            while power <= body.count { (digits, power) = (digits + 1, power * 10) }
            var rest = body.count
            for place in stride(from: digits - 1, through: 0, by: -1) {
                at.storeBytes(of: UInt8(ascii: "0") + UInt8(rest % 10), toByteOffset: place, as: UInt8.self)
                rest /= 10
            }
            at += digits
            at.storeBytes(of: 0x0a0d_0a0d as UInt32, as: UInt32.self)
            at += 4
            put(body)
            return at - room.baseAddress!
        }
    }
}
