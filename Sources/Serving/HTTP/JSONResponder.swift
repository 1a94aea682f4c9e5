internal import HTTPTypes
package import Serving
package import ServingTransport

/// The paths of `Schemas/openapi.yaml` over HTTP/2.
package final class JSONResponder: HTTP2Responder {
    private let endpoints: Endpoints
    private var metrics: ServingMetrics { endpoints.service.metrics }

    package init(transport: Transport, metricSources: [@Sendable () -> [MetricFamily]] = []) {
        endpoints = Endpoints(transport: transport, metricSources: metricSources)
    }

    package func answer(
        _ request: HTTP2Request, body: UnsafeRawBufferPointer, turn: LoopTurn, later: () -> HTTP2Exchange
    ) -> HTTP2Answer? {
        metrics.requestBegan()
        let isHead = request.method == "HEAD"
        var asked = Endpoints.Asked(
            method: HTTPRequest.Method(rawValue: request.method) ?? .get, target: RequestTarget(request.path), accept: request["accept"],
            caller: request.caller(.http2, at: turn.began))
        do throws(LookupProblem) {
            asked.timeoutMilliseconds = try Endpoints.Asked.timeout(request[Endpoints.Asked.timeoutField])
        } catch {
            return ended(Reply(problem: error), isHead)
        }
        if asked.target.isLookup {
            if endpoints.transport.isLate(turn) { return ended(endpoints.refuse(Self.late, .late), isHead) }
            if let deadline = asked.deadline(turn), LoopTurn.now() > deadline { return ended(endpoints.refuse(.deadlineExceeded, .deadline), isHead) }
        }
        switch endpoints.begin(asked, body: body) {
        case .reply(let reply): return ended(reply, isHead)
        case .later(let work):
            let exchange = later()
            let refused = endpoints.submit(work, asked, turn: turn, isCancelled: { exchange.isCancelled }) { [self] reply in
                exchange.answer(ended(reply, isHead))
            }
            return refused.map { ended($0, isHead) }
        }
    }

    package func refuse(_ request: HTTP2Request, _ problem: LookupProblem) -> HTTP2Answer {
        metrics.requestBegan()
        return ended(Reply(problem: problem), request.method == "HEAD")
    }

    private func ended(_ reply: Reply, _ isHead: Bool) -> HTTP2Answer {
        metrics.httpEnded(status: reply.status)
        let type = reply.contentType.description
        var fields: [AnswerField] = [type == "application/json" ? .known(.jsonType) : .literal(name: "content-type", value: type)]
        for (name, value) in reply.headers { fields.append(.literal(name: name.lowercased(), value: value)) }
        fields.append(.literal(name: "date", value: DateHeader.text))
        fields.append(.literal(name: "content-length", value: String(reply.body.count)))
        return HTTP2Answer(status: reply.status, fields: fields, body: isHead ? [] : reply.body)
    }

    private static let late = LookupProblem.overloaded("requests wait too long for their turn")
}

extension RequestTarget {
    /// What is refused when there is too much to do: lookups and explanations, not what tells how the server is.
    var isLookup: Bool {
        switch segments.count {
        case 5: segments[0] == "v1"
        case 2: segments[1] == "lookup" || segments[1] == "get-online-features"
        case 1: segments[0] == "get-online-features"
        default: false
        }
    }

    /// Rows of pushed features, of which there may be many.
    var isPush: Bool {
        switch segments.count {
        case 3: segments[1] == "push"
        case 1, 2: segments.last == "push" || segments.last == "write-to-online-store"
        default: false
        }
    }
}
