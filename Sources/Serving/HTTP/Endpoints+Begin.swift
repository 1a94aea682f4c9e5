internal import HTTPTypes
internal import Serving
internal import ServingTransport

extension Endpoints {
    /// A request that is all here.
    struct Asked {
        var method: HTTPRequest.Method
        var target: RequestTarget
        var accept: String?
        /// `Millrace-Timeout-Ms`: how long the sender waits.
        var timeoutMilliseconds: Int?
        var caller: Caller

        static let timeoutField = "millrace-timeout-ms"

        /// Of that field; nil: there is none.
        static func timeout(_ text: String?) throws(LookupProblem) -> Int? {
            guard let text else { return nil }
            guard text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let milliseconds = Int(text), milliseconds > 0 else {
                throw LookupProblem(
                    .badRequest, detail: "Millrace-Timeout-Ms is \"\(text.prefix(64))\", which is no number of milliseconds.",
                    remedy: "Write a whole number above 0, as in 50.")
            }
            return milliseconds
        }
    }

    enum Begun {
        case reply(Reply)
        case later(Work)
    }

    enum Work: Sendable {
        /// It takes longer than an event loop should be held up.
        case large(@Sendable () -> Reply)
        /// It waits for a broker, or for a shard to apply a record.
        case waits(@Sendable () async -> Reply)
    }

    /// Answers, or says how it is to be answered on another thread.
    ///
    /// - Parameter body: read during the call only.
    func begin(_ asked: Asked, body: UnsafeRawBufferPointer) -> Begun {
        let caller = asked.caller
        var wanted: AuditEvent?
        var event: AuditEvent?
        do throws(LookupProblem) {
            let route = try route(asked, &wanted)
            event = try transport.audited(wanted)
            let begun: Begun
            switch try answer(route, asked) {
            case .reply(let reply): begun = .reply(reply)
            case .waits(let request, let packed): begun = wait(.lookup(request, packed: packed))
            case .writes(let work):
                let body = Array(body)
                begun = .later(.waits { await Self.asyncReply { () async throws(LookupProblem) in try await work(body) } })
            case .large(let work): begun = .later(.large { Self.reply { () throws(LookupProblem) in try work() } })
            case .needsBody(let form):
                let question = try question(form, body: body)
                if transport.isWatched {
                    wanted = audit(question)
                    try caller.require(need(question))
                    event = try transport.audited(wanted)
                }
                if !question.minPosition.isEmpty {
                    begun = wait(question)
                } else if question.keyCount <= Transport.maxKeysOnEventLoop {
                    begun = .reply(try reply(question))
                } else {
                    begun = .later(.large { Self.reply { () throws(LookupProblem) in try reply(question) } })
                }
            }
            return written(event, caller, begun)
        } catch {
            transport.ended(event, caller, error, wanted: wanted)
            return .reply(Reply(problem: error))
        }
    }

    /// Sees to it that what is to be written down is, when the reply is there.
    private func written(_ event: AuditEvent?, _ caller: Caller, _ begun: Begun) -> Begun {
        guard let event else { return begun }
        let transport = transport
        @Sendable func ended(_ reply: Reply) -> Reply {
            transport.ended(event, caller, outcome: reply.outcome)
            return reply
        }
        switch begun {
        case .reply(let reply): return .reply(ended(reply))
        case .later(.large(let work)): return .later(.large { ended(work()) })
        case .later(.waits(let work)): return .later(.waits { ended(await work()) })
        }
    }

    private func wait(_ question: Question) -> Begun {
        .later(.waits {
            await Self.asyncReply { () async throws(LookupProblem) in
                try await service.wait(for: question.minPosition)
                return try reply(question)
            }
        })
    }

    private static func asyncReply(_ body: () async throws(LookupProblem) -> Reply) async -> Reply {
        do throws(LookupProblem) { return try await body() } catch { return Reply(problem: error) }
    }

    private static func reply(_ body: () throws(LookupProblem) -> Reply) -> Reply {
        do throws(LookupProblem) { return try body() } catch { return Reply(problem: error) }
    }

    /// Has the pool, or a task, do `work` and hand over its reply from there, unless there is no room or the time is over: then the reply
    /// is there at once.
    ///
    /// - Parameters:
    ///   - isCancelled: asked when a thread is free: nobody wants the reply any more.
    func submit(
        _ work: Work, _ asked: Asked, turn: LoopTurn, isCancelled: @escaping @Sendable () -> Bool = { false },
        finish: @escaping @Sendable (Reply) -> Void
    ) -> Reply? {
        let large: @Sendable () -> Reply
        switch work {
        case .large(let body): large = body
        case .waits(let body):
            let isTaken = transport.waits.begin { finish(await body()) }
            return isTaken ? nil : refuse(.overloaded("too many requests wait for brokers or positions already"), .batch)
        }
        if transport.isLate(turn, isLarge: true) { return refuse(.overloaded("requests wait too long for their turn"), .batch) }
        let deadline = asked.deadline(turn)
        let isTaken = transport.batches.submit {
            if isCancelled() { return finish(Reply(problem: .deadlineExceeded)) }
            if let deadline, LoopTurn.now() > deadline { return finish(refuse(.deadlineExceeded, .deadline)) }
            finish(large())
        }
        return isTaken ? nil : refuse(.overloaded("too many batches wait already"), .batch)
    }

    func refuse(_ problem: LookupProblem, _ refusal: ServingMetrics.Refusal) -> Reply {
        service.metrics.refused(refusal)
        return Reply(problem: problem)
    }
}

extension Endpoints.Asked {
    /// ns of the monotonic clock.
    func deadline(_ turn: LoopTurn) -> Int64? {
        timeoutMilliseconds.map { turn.began &+ Int64(min($0, 1_000_000_000)) * 1_000_000 }
    }
}
