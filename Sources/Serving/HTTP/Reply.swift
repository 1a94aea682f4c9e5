internal import JSONBytes
internal import Serving

/// A finished answer, before a transport gives it its form.
struct Reply: Sendable {
    var status: Int
    var contentType: StaticString
    var body: [UInt8]
    /// Besides the type and the length: `Retry-After`, `Allow`.
    var headers: [(name: String, value: String)] = []
    /// As the audit log has it: `ok`, or the slug of the problem.
    var outcome = "ok"

    init(status: Int = 200, json: [UInt8]) {
        self.status = status
        contentType = "application/json"
        body = json
    }

    init(status: Int = 200, json body: (inout JSONWriter) throws(LookupProblem) -> Void) throws(LookupProblem) {
        var json = JSONWriter(reservingBytes: 2048)
        try body(&json)
        self.init(status: status, json: json.bytes)
    }

    init(text: String, contentType: StaticString) {
        status = 200
        self.contentType = contentType
        body = Array(text.utf8)
    }

    init(packed: [UInt8]) {
        status = 200
        contentType = Endpoints.packedType
        body = packed
    }

    init(problem: FeastProblem) {
        self.init(status: problem.httpStatus, json: problem.json())
        outcome = problem.slug
    }

    /// RFC 9457.
    init(problem: LookupProblem) {
        status = problem.httpStatus
        contentType = "application/problem+json"
        body = problem.json()
        if let seconds = problem.retryAfterSeconds { headers.append(("Retry-After", String(seconds))) }
        if let allowed = problem.allowedMethods { headers.append(("Allow", allowed)) }
        if problem.kind == .unauthenticated { headers.append(("WWW-Authenticate", "Bearer realm=\"millrace\"")) }
        outcome = problem.slug
    }
}
