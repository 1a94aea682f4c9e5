internal import HTTPTypes
package import Hummingbird
package import Serving
package import ServingTransport

/// Answers the requests that come through Hummingbird: those that `DirectRequests` leaves alone.
package struct LookupResponder: HTTPResponder {
    package typealias Context = LookupContext

    let endpoints: Endpoints

    package init(transport: Transport, metricSources: [@Sendable () -> [MetricFamily]] = []) {
        endpoints = Endpoints(transport: transport, metricSources: metricSources)
    }

    package init(service: LookupService) { self.init(transport: Transport(service: service)) }

    package func respond(to request: Request, context: LookupContext) async throws -> Response {
        endpoints.service.metrics.requestBegan()
        let reply = await reply(to: request, caller(request, context.peer))
        endpoints.service.metrics.httpEnded(status: reply.status)
        let response = Response(reply)
        return request.method == .head ? response.createHeadResponse() : response
    }

    /// On the connection's event loop, when there is one.
    private func caller(_ request: Request, _ peer: Peer?) -> Caller {
        guard let access = endpoints.transport.access else { return Caller(.unguarded) }
        // Several are none that means anything.
        var field = request.headers[values: .authorization].joined(separator: ",")
        return field.withUTF8 { bytes in
            let bytes = UnsafeRawBufferPointer(bytes)
            if let peer { return Caller(peer.standing(bytes, at: LoopTurn.now()), address: peer.address) }
            return Caller(Peer(nil, access).standing(bytes, at: LoopTurn.now()))
        }
    }

    private func reply(to request: Request, _ caller: Caller) async -> Reply {
        var asked = Endpoints.Asked(
            method: request.method, target: RequestTarget(request.head.path ?? "/"), accept: request.headers[.accept],
            caller: caller)
        do throws(LookupProblem) {
            asked.timeoutMilliseconds = try Endpoints.Asked.timeout(
                HTTPField.Name(Endpoints.Asked.timeoutField).flatMap { request.headers[$0] })
        } catch {
            return Reply(problem: error)
        }
        // Not that of a connection: the body may come long after the head.
        let turn = LoopTurn()
        let limit = endpoints.maxBodyBytes(asked.target)
        let begun: Endpoints.Begun
        do {
            if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit { throw BodyTooLarge() }
            let body = try await collect(request.body, upTo: limit)
            defer { _ = endpoints.transport.held.add(-body.readableBytes) }
            begun = body.withUnsafeReadableBytes { endpoints.begin(asked, body: $0) }
        } catch is TooMuchHeld {
            return endpoints.refuse(.overloaded("the requests under way are larger than this server has room for"), .memory)
        } catch {
            return Reply(problem: .bodyTooLarge(limit: limit))
        }
        switch begun {
        case .reply(let reply): return reply
        case .later(let work):
            return await withCheckedContinuation { continuation in
                let refused = endpoints.submit(work, asked, turn: turn) { continuation.resume(returning: $0) }
                if let refused { continuation.resume(returning: refused) }
            }
        }
    }
}

private struct BodyTooLarge: Error {}
private struct TooMuchHeld: Error {}

extension LookupResponder {
    /// All of a body, counted in `Transport.held` until the caller takes it off again; nothing is when this throws.
    private func collect(_ body: RequestBody, upTo limit: Int) async throws -> ByteBuffer {
        let held = endpoints.transport.held
        var collected = ByteBuffer()
        do {
            for try await var part in body {
                let count = part.readableBytes
                collected.writeBuffer(&part)
                guard held.add(count) else { throw TooMuchHeld() }
                guard collected.readableBytes <= limit else { throw BodyTooLarge() }
            }
        } catch {
            _ = held.add(-collected.readableBytes)
            throw error
        }
        return collected
    }
}

/// Hummingbird's per-request context: whose connection it is.
package struct LookupContext: InitializableFromSource {
    let peer: Peer?

    package init(source: ApplicationRequestContextSource) {
        let channel = source.channel
        // Requests are handled where the connection is (`EventLoopConnection`); in a test without one there is no peer.
        peer = channel.eventLoop.inEventLoop ? (try? channel.pipeline.syncOperations.handler(type: DirectRequests.self))?.peer : nil
    }
}

extension Response {
    fileprivate init(_ reply: Reply) {
        var headers: HTTPFields = [.contentType: reply.contentType.description]
        for (name, value) in reply.headers { HTTPField.Name(name).map { headers[$0] = value } }
        self.init(
            status: .init(code: reply.status), headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: reply.body)))
    }
}
