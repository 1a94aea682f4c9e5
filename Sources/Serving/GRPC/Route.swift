internal import Serving
internal import ServingTransport

/// What the head of a call says: found out once for all calls with that head.
final class Route {
    let method: Method?
    /// Why no call with this head is answered, and its status.
    let refusal: (code: Int, answer: HTTP2Answer)?
    /// `grpc-timeout` in ns.
    let timeout: Int64?

    init(_ request: HTTP2Request, _ table: MethodTable) {
        timeout = request["grpc-timeout"].flatMap(GRPCTimeout.nanoseconds)
        method = table.methods[request.path]
        if method == nil {
            refusal = Self.refuse("There is no method \(request.path.prefix(200)). See Schemas/millrace/serving/v1/lookup.proto.")
        } else if request.method != "POST" {
            refusal = Self.refuse("A call is a POST.")
        } else if let encoding = request["grpc-encoding"], encoding != "identity" {
            refusal = Self.refuse(
                "Messages compressed with \(encoding.prefix(32)) are not read. Send them as they are.", [Self.accepted])
        } else {
            refusal = nil
        }
    }

    static let accepted = AnswerField.literal(name: "grpc-accept-encoding", value: "identity")

    private static func refuse(_ message: String, _ more: [AnswerField] = []) -> (code: Int, answer: HTTP2Answer) {
        (StatusCode.unimplemented, .status(StatusCode.unimplemented, message, more))
    }
}
