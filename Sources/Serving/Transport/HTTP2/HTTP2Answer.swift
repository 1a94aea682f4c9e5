internal import NIOCore
package import Serving
internal import Synchronization

/// What goes back on a stream.
package struct HTTP2Answer: Sendable {
    package var status = 200
    package var fields: [AnswerField]
    package var body: [UInt8] = []
    /// The body is a gRPC message: five bytes before it say how long it is.
    package var isMessage = false
    /// Sent after the body; nil: the body is the end.
    package var trailers: [AnswerField]?
    /// Nothing ends yet: more messages follow through `HTTP2Exchange`, and `trailers` are sent when the server shuts down.
    package var staysOpen = false

    package init(status: Int = 200, fields: [AnswerField], body: [UInt8] = [], trailers: [AnswerField]? = nil) {
        self.status = status
        self.fields = fields
        self.body = body
        self.trailers = trailers
    }
}

/// Answers the requests of HTTP/2 connections, on their event loops.
package protocol HTTP2Responder: AnyObject, Sendable {
    /// - Parameters:
    ///   - body: all of it; valid during the call only.
    ///   - turn: how long the event loop has been at work.
    ///   - later: makes the exchange on which the answer is given later. Not to be called twice.
    /// - Returns: nil when it is given later.
    func answer(_ request: HTTP2Request, body: UnsafeRawBufferPointer, turn: LoopTurn, later: () -> HTTP2Exchange) -> HTTP2Answer?

    /// The answer to a request that is not read to its end.
    func refuse(_ request: HTTP2Request, _ problem: LookupProblem) -> HTTP2Answer
}

/// A request that is answered later, from any thread.
package final class HTTP2Exchange: Sendable {
    package enum Delivery: Sendable {
        case answer(HTTP2Answer)
        /// Another message of an answer that stays open.
        case message([UInt8])
    }

    private let deliver: @Sendable (Delivery) -> Void
    private let isOver = Atomic(false)

    package init(_ deliver: @escaping @Sendable (Delivery) -> Void) { self.deliver = deliver }

    /// Nobody waits any more: the client took the request back or is gone.
    package var isCancelled: Bool { isOver.load(ordering: .relaxed) }

    func cancel() { isOver.store(true, ordering: .relaxed) }

    package func answer(_ answer: HTTP2Answer) { deliver(.answer(answer)) }
    package func send(_ message: [UInt8]) { deliver(.message(message)) }
}
