internal import FeatureStore
internal import Serving
internal import ServingTransport

/// Who may ask what.
extension Endpoints {
    /// The route, if the caller may take it.
    ///
    /// - Parameter wanted: what is to be written down of it.
    func route(_ asked: Asked, _ wanted: inout AuditEvent?) throws(LookupProblem) -> Route {
        let route: Route
        do throws(LookupProblem) {
            route = try Route(asked.target)
        } catch {
            // Who may do nothing does not learn what there is.
            try asked.caller.require(.anything)
            throw error
        }
        let rule = route.rule
        if transport.isWatched { wanted = rule.event ?? rule.refusal }
        try asked.caller.require(rule.need)
        if wanted?.kind == .refusals { wanted = nil }
        return route
    }

    func need(_ question: Question) -> Need {
        switch question {
        case .lookup(let request, _): service.need(request.selection)
        case .feast(let request): service.need(request)
        case .settled: .anything
        }
    }

    func audit(_ question: Question) -> AuditEvent? {
        switch question {
        case .lookup(let request, _): AuditEvent(request)
        case .feast(let request): AuditEvent(request)
        case .settled: nil
        }
    }

    /// Pushes rows, if the caller may.
    func push(_ request: PushRequest, _ caller: Caller) async throws(LookupProblem) -> PushAnswer {
        try await audited(AuditEvent(request), caller, needs: .push(view: request.view)) { () async throws(LookupProblem) in
            try await service.push(request)
        }
    }

    /// Does what a body asked for, if the caller may, and has it written down.
    func audited<Answer: Sendable>(
        _ wanted: AuditEvent, _ caller: Caller, needs need: Need, _ body: () async throws(LookupProblem) -> Answer
    ) async throws(LookupProblem) -> Answer {
        var event: AuditEvent?
        do throws(LookupProblem) {
            try caller.require(need)
            event = try transport.audited(wanted)
            let answer = try await body()
            transport.ended(event, caller, outcome: "ok")
            return answer
        } catch {
            transport.ended(event, caller, error, wanted: wanted)
            throw error
        }
    }
}
