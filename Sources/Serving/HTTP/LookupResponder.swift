internal import HTTPTypes
package import Hummingbird
package import Serving

/// Answers the requests that come through Hummingbird: those that `DirectRequests` leaves alone.
package struct LookupResponder: HTTPResponder {
    package typealias Context = LookupContext

    let endpoints: Endpoints

    package init(service: LookupService, metricSources: [@Sendable () -> [MetricFamily]] = []) {
        endpoints = Endpoints(service: service, metricSources: metricSources)
    }

    package func respond(to request: Request, context: LookupContext) async throws -> Response {
        endpoints.service.metrics.requestBegan()
        let reply: Reply
        do throws(LookupProblem) {
            reply = try await answer(request)
        } catch {
            reply = Reply(problem: error)
        }
        endpoints.service.metrics.httpEnded(status: reply.status)
        let response = Response(reply)
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ request: Request) async throws(LookupProblem) -> Reply {
        switch try endpoints.answer(
            request.method, RequestTarget(request.head.path ?? "/"), accept: request.headers[.accept])
        {
        case .reply(let reply): return reply
        case .explain(let query, let asText):
            return try await offLoop { [endpoints] () throws(LookupProblem) in try endpoints.explanation(query, asText: asText) }
        case .needsBody(let form): return try await batch(try await question(form, body: request))
        case .waits(let lookup, let packed): return try await batch(.lookup(lookup, packed: packed))
        case .takesRows(let form):
            let body = Array(buffer: try await collect(request, upTo: PushRequest.maxBodyBytes))
            return try await endpoints.push(form, body: body)
        }
    }

    /// Long batches leave the event loop of their connection, so that they do not hold up its other requests.
    private func batch(_ question: Endpoints.Question) async throws(LookupProblem) -> Reply {
        try await endpoints.service.wait(for: question.minPosition)
        if question.keyCount <= Self.maxKeysOnEventLoop { return try endpoints.reply(question) }
        return try await offLoop { [endpoints] () throws(LookupProblem) in try endpoints.reply(question) }
    }

    private func offLoop(_ work: @Sendable () throws(LookupProblem) -> Reply) async throws(LookupProblem) -> Reply {
        let result = await withTaskExecutorPreference(globalConcurrentExecutor) { () async -> Result<Reply, LookupProblem> in
            do throws(LookupProblem) { return .success(try work()) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Some 100 µs of work.
    static let maxKeysOnEventLoop = 16

    private func question(_ form: Endpoints.Form, body request: Request) async throws(LookupProblem) -> Endpoints.Question {
        let body = try await collect(request, upTo: Endpoints.maxBodyBytes)
        let result: Result<Endpoints.Question, LookupProblem> = body.withUnsafeReadableBytes { bytes in
            do throws(LookupProblem) { return .success(try endpoints.question(form, body: bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

extension LookupResponder {
    private func collect(_ request: Request, upTo limit: Int) async throws(LookupProblem) -> ByteBuffer {
        do {
            if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit { throw BodyTooLarge() }
            return try await request.body.collect(upTo: limit)
        } catch {
            throw Endpoints.bodyTooLarge(limit)
        }
    }
}

private struct BodyTooLarge: Error {}

/// Hummingbird's per-request context; lookups need nothing of it.
package struct LookupContext: InitializableFromSource {
    package init(source: ApplicationRequestContextSource) {}
}

extension Response {
    fileprivate init(_ reply: Reply) {
        var headers: HTTPFields = [.contentType: reply.contentType.description]
        for (name, value) in reply.headers { HTTPField.Name(name).map { headers[$0] = value } }
        self.init(
            status: .init(code: reply.status), headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: reply.body)))
    }
}
