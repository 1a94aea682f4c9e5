internal import HTTPTypes
internal import Hummingbird
internal import Serving

extension Response {
    private static let jsonHeaders: HTTPFields = [.contentType: "application/json"]

    init(json: [UInt8], status: HTTPResponse.Status = .ok) {
        self.init(status: status, headers: Self.jsonHeaders, body: ResponseBody(byteBuffer: ByteBuffer(bytes: json)))
    }

    init(text: String) {
        self.init(
            status: .ok, headers: [.contentType: "text/plain; charset=utf-8"], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    init(prometheus: String) {
        self.init(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: prometheus)))
    }

    init(yaml: String) {
        self.init(status: .ok, headers: [.contentType: "application/yaml"], body: ResponseBody(byteBuffer: ByteBuffer(string: yaml)))
    }

    /// RFC 9457.
    init(problem: LookupProblem) {
        var headers: HTTPFields = [.contentType: "application/problem+json"]
        if let seconds = problem.retryAfterSeconds { headers[.retryAfter] = String(seconds) }
        if let allowed = problem.allowedMethods { headers[.allow] = allowed }
        self.init(
            status: .init(code: problem.httpStatus), headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: problem.json())))
    }
}
