package import Hummingbird
package import Serving

/// Takes requests apart by hand and answers them with bytes: no router, no Codable, no middleware in the hot path.
package struct LookupResponder: HTTPResponder {
    package typealias Context = LookupContext

    let service: LookupService
    let metricSources: [@Sendable () -> [MetricFamily]]

    package init(service: LookupService, metricSources: [@Sendable () -> [MetricFamily]] = []) {
        self.service = service
        self.metricSources = metricSources
    }

    /// Largest body of a POST; a thousand keys of 480 bytes are half of it.
    package static let maxBodyBytes = 1 << 20

    package func respond(to request: Request, context: LookupContext) async throws -> Response {
        service.metrics.requestBegan()
        var response: Response
        do throws(LookupProblem) {
            response = try await answer(request)
        } catch {
            response = Response(problem: error)
        }
        service.metrics.httpEnded(status: response.status.code)
        if request.method == .head { response = response.createHeadResponse() }
        return response
    }

    private func answer(_ request: Request) async throws(LookupProblem) -> Response {
        let target = RequestTarget(request.head.path ?? "/")
        let route = try Route(target)
        try route.check(method: request.method)
        switch route {
        case .entity(let name, let key):
            let (asOf, maxStaleness) = try target.lookupParameters()
            return try lookup(LookupRequest(.service(name), keys: [key], asOf: asOf, maxStaleness: maxStaleness))
        case .lookup:
            try target.noParameters()
            return try await batch(try await lookupRequest(body: request))
        case .services:
            try target.noParameters()
            return Response(json: service.servicesJSON())
        case .service(let name):
            try target.noParameters()
            return Response(json: try service.serviceJSON(name).get())
        case .shards:
            try target.noParameters()
            return Response(json: service.shardsJSON())
        // Probes and scrapers may add parameters of their own: none is an error.
        case .health:
            return Response(text: "ok\n")
        case .ready:
            let readiness = service.readiness()
            return Response(json: readiness.json(), status: readiness.isReady ? .ok : .serviceUnavailable)
        case .metrics:
            return Response(prometheus: prometheusText(service.metricFamilies() + metricSources.flatMap { $0() }))
        case .openAPI:
            return Response(yaml: openAPIDocument)
        }
    }

    private func lookup(_ request: LookupRequest) throws(LookupProblem) -> Response {
        Response(json: try service.lookup(request).get().json())
    }

    /// Long batches leave the event loop of their connection, so that they do not hold up its other requests.
    private func batch(_ request: LookupRequest) async throws(LookupProblem) -> Response {
        if request.keys.count <= Self.maxKeysOnEventLoop { return try lookup(request) }
        let result = await withTaskExecutorPreference(globalConcurrentExecutor) { () async -> Result<Response, LookupProblem> in
            service.lookup(request).map { Response(json: $0.json()) }
        }
        return try result.get()
    }

    /// Some 100 µs of work.
    private static let maxKeysOnEventLoop = 16

    private func lookupRequest(body request: Request) async throws(LookupProblem) -> LookupRequest {
        let body: ByteBuffer
        do {
            if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > Self.maxBodyBytes { throw BodyTooLarge() }
            body = try await request.body.collect(upTo: Self.maxBodyBytes)
        } catch {
            throw LookupProblem(
                .bodyTooLarge, detail: "The body is larger than \(Self.maxBodyBytes) bytes, or was cut off.",
                remedy: "Split the request into several.")
        }
        let maxKeys = service.source.definitions.server.maxKeysPerRequest
        let result: Result<LookupRequest, LookupProblem> = body.withUnsafeReadableBytes { bytes in
            do throws(LookupProblem) {
                return .success(try LookupRequest(json: bytes, maxKeys: maxKeys))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

private struct BodyTooLarge: Error {}

/// Hummingbird's per-request context; lookups need nothing of it.
package struct LookupContext: InitializableFromSource {
    package init(source: ApplicationRequestContextSource) {}
}
