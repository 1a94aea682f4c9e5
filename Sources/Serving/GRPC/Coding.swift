internal import GRPCCore
internal import Serving

/// Hands a message's bytes to `read` and turns its problem into the status of the call.
struct Deserializer<Message: Sendable>: MessageDeserializer {
    let read: @Sendable (UnsafeRawBufferPointer) throws(LookupProblem) -> Message

    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> Message {
        try bytes.withUnsafeBytes { buffer in
            do throws(LookupProblem) {
                return try read(buffer)
            } catch {
                throw RPCError(error)
            }
        }
    }
}

/// A message that is encoded already.
struct BytesSerializer: MessageSerializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes { Bytes(message) }
}

extension RPCError {
    /// The remedy is part of the message: a status has no other place that every client shows. The slug is in the trailer
    /// `millrace-problem`, for programs.
    init(_ problem: LookupProblem) {
        let code = Status.Code(rawValue: problem.grpcCode).flatMap { RPCError.Code($0) } ?? .unknown
        self.init(code: code, message: "\(problem.detail) \(problem.remedy)", metadata: ["millrace-problem": "\(problem.slug)"])
    }
}
