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

        static let timeoutField = "millrace-timeout-ms"
    }

    enum Begun {
        case reply(Reply)
        /// It takes longer than an event loop should be held up.
        case large(@Sendable () -> Reply)
    }

    /// Answers, or says how it is to be answered on another thread.
    ///
    /// - Parameter body: read during the call only.
    func begin(_ asked: Asked, body: UnsafeRawBufferPointer) -> Begun {
        do throws(LookupProblem) {
            switch try answer(asked.method, asked.target, accept: asked.accept) {
            case .reply(let reply): return .reply(reply)
            case .explain(let query, let asText):
                return .large { Self.reply { () throws(LookupProblem) in try explanation(query, asText: asText) } }
            case .needsBody(let form):
                let question = try question(form, body: body)
                if question.keyCount <= Transport.maxKeysOnEventLoop { return .reply(try reply(question)) }
                return .large { Self.reply { () throws(LookupProblem) in try reply(question) } }
            }
        } catch {
            return .reply(Reply(problem: error))
        }
    }

    private static func reply(_ body: () throws(LookupProblem) -> Reply) -> Reply {
        do throws(LookupProblem) { return try body() } catch { return Reply(problem: error) }
    }

    /// Has the pool do `work` and hand over its reply from there, unless the pool is full or the time is over: then the reply is there
    /// at once.
    ///
    /// - Parameters:
    ///   - isCancelled: asked when a thread is free: nobody wants the reply any more.
    func submit(
        _ work: @escaping @Sendable () -> Reply, _ asked: Asked, turn: LoopTurn, isCancelled: @escaping @Sendable () -> Bool = { false },
        finish: @escaping @Sendable (Reply) -> Void
    ) -> Reply? {
        if transport.isLate(turn, isLarge: true) { return refuse(.overloaded("requests wait too long for their turn"), .batch) }
        let deadline = asked.deadline(turn)
        let isTaken = transport.batches.submit {
            if isCancelled() { return finish(Reply(problem: .deadlineExceeded)) }
            if let deadline, LoopTurn.now() > deadline { return finish(refuse(.deadlineExceeded, .deadline)) }
            finish(work())
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
