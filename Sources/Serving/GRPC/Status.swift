internal import Serving
internal import ServingTransport

/// Numbers of gRPC's status codes that we give without a problem behind them.
enum StatusCode {
    static let cancelled = 1, unknown = 2, unimplemented = 12, unavailable = 14
}

extension HTTP2Answer {
    /// A message, and that all went well.
    static func message(_ bytes: [UInt8]) -> HTTP2Answer {
        var answer = HTTP2Answer(fields: messageFields, body: bytes, trailers: okTrailers)
        answer.isMessage = true
        return answer
    }

    private static let messageFields: [AnswerField] = [.known(.grpcType)]
    private static let okTrailers: [AnswerField] = [.known(.grpcOK)]

    /// No message but a status, in one block of fields.
    static func status(_ code: Int, _ message: String, _ more: [AnswerField] = []) -> HTTP2Answer {
        HTTP2Answer(fields: [.known(.grpcType)] + statusFields(code, message) + more)
    }

    static func statusFields(_ code: Int, _ message: String) -> [AnswerField] {
        [.literal(name: "grpc-status", value: String(code)), .literal(name: "grpc-message", value: percentEncoded(message))]
    }

    /// The remedy is part of the message: a status has no other place that every client shows. The slug is in the trailer
    /// `millrace-problem`, for programs.
    init(_ problem: LookupProblem) {
        self = .status(
            problem.grpcCode, "\(problem.detail) \(problem.remedy)", [.literal(name: "millrace-problem", value: problem.slug)])
    }
}

/// As the gRPC protocol wants `grpc-message`: printable ASCII as it is, all else and `%` as escapes. Long ones are cut, so that
/// the fields of an answer fit into one frame.
func percentEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for character in text {
        let part = character.utf8.flatMap { byte in
            byte >= 0x20 && byte < 0x7f && byte != UInt8(ascii: "%") ? [byte] : [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        if bytes.count + part.count > 4_096 { break }
        bytes += part
    }
    return String(decoding: bytes, as: UTF8.self)
}
