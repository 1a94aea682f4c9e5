package import Serving
package import ServingTransport

/// Answers gRPC calls where their bytes arrive. What is no gRPC goes to another responder, so that one port serves both.
///
/// A unary call is a POST whose body is one message behind five bytes; the answer is a message, and trailers with the status. That is all
/// of gRPC that lookups need, and done here it costs little more than the lookup.
package final class GRPCResponder: HTTP2Responder {
    private let transport: Transport
    private let methods: MethodTable
    private let others: (any HTTP2Responder)?
    private var metrics: ServingMetrics { transport.service.metrics }

    /// The paths of all methods, for whoever must not forget one.
    package var paths: [String] { methods.methods.keys.sorted() }

    /// - Parameter others: answers what is not `application/grpc`; nil: 415.
    package init(transport: Transport, others: (any HTTP2Responder)? = nil) {
        self.transport = transport
        self.others = others
        var methods = MethodTable()
        FeatureServiceHandler(service: transport.service).registerMethods(with: &methods)
        FeastHandler(service: transport.service).registerMethods(with: &methods)
        PushHandler(service: transport.service).registerMethods(with: &methods)
        EraseHandler(service: transport.service).registerMethods(with: &methods)
        HealthHandler(service: transport.service).registerMethods(with: &methods)
        self.methods = methods
    }

    package func answer(
        _ request: HTTP2Request, body: UnsafeRawBufferPointer, turn: LoopTurn, later: () -> HTTP2Exchange
    ) -> HTTP2Answer? {
        guard Self.isCall(request) else {
            return others.map { $0.answer(request, body: body, turn: turn, later: later) } ?? Self.unsupportedType
        }
        metrics.requestBegan()
        let route = route(request)
        let caller = request.caller(.grpc, at: turn.began)
        if route.method?.isUrgent != true, let problem = refusal(caller, .anything) { return refused(problem, caller, nil, request) }
        if let refusal = route.refusal { return ended(refusal.answer, refusal.code) }
        guard let method = route.method, let message = Self.message(body) else { return ended(Self.notOneMessage, StatusCode.unimplemented) }
        if !method.isUrgent, transport.isLate(turn) {
            metrics.refused(.late)
            return ended(Self.late, LookupProblem.Kind.overloaded.grpcCode)
        }
        if let timeout = route.timeout, turn.waited > timeout { return refused(.deadlineExceeded, .deadline) }
        if method.isLookup, let lookup = DirectLookup(protobuf: message), transport.isDirect(caller.standing, lookup.service) {
            do throws(LookupProblem) { return ended(.message(try CallScratch.current.answer(lookup, transport.service)), 0) } catch {
                return failed(error, nil, caller)
            }
        }
        var event: AuditEvent?
        do throws(LookupProblem) {
            switch method.kind {
            case .unary(let read):
                let call = try read(message)
                if let problem = refusal(caller, call.need) { return refused(problem, caller, call.event(), request) }
                event = try transport.audited(call.event())
                switch call.work {
                case .reads(let keyCount, let answer):
                    if keyCount <= Transport.maxKeysOnEventLoop {
                        let bytes = try answer(caller)
                        transport.ended(event, caller, outcome: "ok")
                        return ended(.message(bytes), 0)
                    }
                    return answerApart(answer, event, caller, deadline: route.timeout.map { turn.began &+ $0 }, turn, later)
                case .waits(let answer): return wait(answer, event, caller, later)
                }
            case .watch(let begin):
                let answer = try begin(message).begin(on: later())
                metrics.grpcEnded(code: 0)
                return answer
            }
        } catch {
            return failed(error, event, caller)
        }
    }

    package func refuse(_ request: HTTP2Request, _ problem: LookupProblem) -> HTTP2Answer {
        guard Self.isCall(request) else { return others?.refuse(request, problem) ?? Self.unsupportedType }
        metrics.requestBegan()
        return ended(HTTP2Answer(problem), problem.grpcCode)
    }

    /// On a thread of the pool.
    private func answerApart(
        _ answer: @escaping @Sendable (Caller) throws(LookupProblem) -> [UInt8], _ event: AuditEvent?, _ caller: Caller, deadline: Int64?, _ turn: LoopTurn, _ later: () -> HTTP2Exchange
    ) -> HTTP2Answer? {
        if transport.isLate(turn, isLarge: true) { return refused(.overloaded("requests wait too long for their turn"), .batch) }
        let exchange = later()
        let isTaken = transport.batches.submit { [self] in
            if exchange.isCancelled { return metrics.grpcEnded(code: StatusCode.cancelled) }
            if let deadline, LoopTurn.now() > deadline { return exchange.answer(refused(.deadlineExceeded, .deadline)) }
            do throws(LookupProblem) {
                let bytes = try answer(caller)
                transport.ended(event, caller, outcome: "ok")
                exchange.answer(ended(.message(bytes), 0))
            } catch {
                exchange.answer(failed(error, event, caller))
            }
        }
        return isTaken ? nil : refused(.overloaded("too many batches wait already"), .batch)
    }

    /// In a task.
    private func wait(
        _ answer: @escaping @Sendable (Caller) async throws(LookupProblem) -> [UInt8], _ event: AuditEvent?, _ caller: Caller, _ later: () -> HTTP2Exchange
    ) -> HTTP2Answer? {
        let exchange = later()
        let isTaken = transport.waits.begin { [self] in
            do throws(LookupProblem) {
                let bytes = try await answer(caller)
                transport.ended(event, caller, outcome: "ok")
                exchange.answer(ended(.message(bytes), 0))
            } catch {
                exchange.answer(failed(error, event, caller))
            }
        }
        return isTaken ? nil : refused(.overloaded("too many requests wait for brokers or positions already"), .batch)
    }

    private func refusal(_ caller: Caller, _ need: Need) -> LookupProblem? {
        do throws(LookupProblem) { try caller.require(need) } catch { return error }
        return nil
    }

    /// - Parameter wanted: nil: it is not known further than by its method.
    private func refused(_ problem: LookupProblem, _ caller: Caller, _ wanted: AuditEvent?, _ request: HTTP2Request) -> HTTP2Answer {
        transport.ended(
            nil, caller, problem, wanted: wanted ?? AuditEvent(.refusals, methods.methods[request.path] == nil ? "unknown" : String(request.path.dropFirst())))
        return ended(HTTP2Answer(problem), problem.grpcCode)
    }

    private func failed(_ problem: LookupProblem, _ event: AuditEvent?, _ caller: Caller) -> HTTP2Answer {
        transport.ended(event, caller, outcome: problem.slug)
        return ended(HTTP2Answer(problem), problem.grpcCode)
    }

    private func ended(_ answer: HTTP2Answer, _ code: Int) -> HTTP2Answer {
        metrics.grpcEnded(code: code)
        return answer
    }

    private func refused(_ problem: LookupProblem, _ refusal: ServingMetrics.Refusal) -> HTTP2Answer {
        metrics.refused(refusal)
        return ended(HTTP2Answer(problem), problem.grpcCode)
    }

    private func route(_ request: HTTP2Request) -> Route {
        if let known = request.route as? Route { return known }
        let made = Route(request, methods)
        request.route = made
        return made
    }

    private static func isCall(_ request: HTTP2Request) -> Bool { request.contentType.utf8.starts(with: "application/grpc".utf8) }

    /// The message behind its five bytes; nil when there is not exactly one that is not compressed.
    private static func message(_ body: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard body.count >= 5, body[0] == 0 else { return nil }
        let count = UInt32(bigEndian: body.loadUnaligned(fromByteOffset: 1, as: UInt32.self))
        guard body.count == 5 + Int(count) else { return nil }
        return UnsafeRawBufferPointer(rebasing: body[5...])
    }

    /// Made once: under overload there are many of them.
    private static let late = HTTP2Answer(LookupProblem.overloaded("requests wait too long for their turn"))
    private static let notOneMessage = HTTP2Answer.status(
        StatusCode.unimplemented, "The call does not have exactly one message that is not compressed.", [Route.accepted])
    private static let unsupportedType = HTTP2Answer(status: 415, fields: [])
}
