internal import HTTPTypes
internal import NIOCore
internal import Serving
internal import ServingTransport

/// Answers plain requests where their bytes arrive, in front of Hummingbird's handlers.
///
/// A lookup takes a few µs; an HTTP stack that turns bytes into values, streams and tasks and back takes several times that. Most requests
/// need none of it, so they are parsed in place (`PlainRequest`) and their answers are written straight into the output buffer. Batches and
/// explanations are answered by the pool, and the connection waits for them. The first request of a connection that is not plain goes on to
/// Hummingbird as it came, and so does everything after it. A connection that begins as HTTP/2 does becomes one (`+HTTP2`).
///
/// Answers are written in the order of the requests (pipelining). While the client does not read its answers no more requests are
/// read, so what waits is bounded by one read. A client that takes too long over either is cut off.
final class DirectRequests: ChannelDuplexHandler, TurnSender {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let endpoints: Endpoints
    let http2: any HTTP2Responder
    let peer: Peer
    private let turn = LoopTurn.current
    private var context: ChannelHandlerContext?
    /// The beginning of a request that is not all here, or requests behind one that the pool answers.
    private var pending: ByteBuffer?
    /// With fewer bytes than this a look at `pending` tells nothing new.
    private var neededBytes = 0
    /// The pool is at an answer.
    private var isAnswering = false
    /// The server shuts down as soon as it is there.
    private var mustQuiesce: ChannelShouldQuiesceEvent?
    private var isPassing = false
    private var isFirst = true
    private var isReadHeldBack = false
    private var stall = StallWatch()
    private var held: HeldPart
    private let scratch = LoopScratch.current
    private var date: DateHeader { scratch.date }
    /// Has the answers that wait for the end of the turn.
    private var writer: SocketWriter?

    /// On the channel's event loop.
    init(endpoints: Endpoints, http2: any HTTP2Responder, peer: Peer) {
        self.endpoints = endpoints
        held = HeldPart(of: endpoints.transport.held)
        self.peer = peer
        self.http2 = http2
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        writer = SocketWriter(context.channel, isPlain: endpoints.transport.isPlain)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        stall.cancel()
        self.context = nil
        writer = nil
        pending = nil
        countPending()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isPassing {
            stall.began(at: turn.began)
            return context.fireChannelRead(data)
        }
        turn.enter(context.eventLoop)
        var input = unwrapInboundIn(data)
        if var held = pending.take() {
            held.writeBuffer(&input)
            input = held
        }
        if isAnswering || input.readableBytes < neededBytes {
            pending = input
        } else {
            answerAll(context, input)
        }
        if !countPending() { refuseHeld(context) }
    }

    /// False: the process keeps too much of requests that are not complete.
    @discardableResult
    private func countPending() -> Bool { held.set(pending?.readableBytes ?? 0) }

    /// Half a request cannot be answered and passed over, so the connection ends with it.
    private func refuseHeld(_ context: ChannelHandlerContext) {
        guard !isAnswering else { return }
        pending = nil
        countPending()
        let refusal = endpoints.refuse(.overloaded("the requests under way are larger than this server has room for"), .memory)
        writer?.output.writeReply(refusal, date: date)
        let channel = context.channel
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.whenComplete { _ in channel.close(promise: nil) }
        writer?.flush(context, promise: sent)
    }

    private func answerAll(_ context: ChannelHandlerContext, _ bytes: ByteBuffer) {
        guard let writer else { return }
        var input = bytes
        if isFirst {
            switch HTTP2Preface.match(input.readableBytesView) {
            case .whole: return becomeHTTP2(context, input)
            case .part:
                stall.began(at: turn.began)
                return pending = input
            case .none: isFirst = false
            }
        }
        neededBytes = 0
        var output = writer.takeOutput()
        output.reserveCapacity(minimumWritableBytes: 4096)
        var isWaiting = false
        while input.readableBytes > 0, !isWaiting, !isPassing, !isAnswering {
            switch input.withUnsafeReadableBytes({ take($0, into: &output) }) {
            case .took(let count): input.moveReaderIndex(forwardBy: count)
            case .later(let count):
                input.moveReaderIndex(forwardBy: count)
                isAnswering = true
            case .wait(let needed):
                neededBytes = needed
                isWaiting = true
            case .pass: isPassing = true
            }
        }
        if isWaiting { stall.began(at: turn.began) } else { stall.ended() }
        writer.output = output
        if isPassing {
            // What was answered goes out before what Hummingbird answers.
            writer.flush(context)
            pass(context, input)
        } else if input.readableBytes > 0 {
            pending = input
        }
    }

    private func pass(_ context: ChannelHandlerContext, _ input: ByteBuffer) {
        isPassing = true
        stall.began(at: turn.began)
        readByItself(context)
        context.fireChannelRead(wrapInboundOut(input))
    }

    /// From here on the channel reads as soon as it may, as the handlers behind expect it.
    func readByItself(_ context: ChannelHandlerContext) { try? context.channel.syncOptions?.setOption(.autoRead, value: true) }

    /// Until then this handler asks for each read itself, and the handlers behind it hear nothing of the requests that are none of theirs.
    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        context.read()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if isPassing {
            watch(context)
            return context.fireChannelReadComplete()
        }
        turn.atEnd(self)
        isReadHeldBack = true
        readOn(context)
    }

    func turnEnded() {
        guard let context else { return }
        writer?.flush(context)
        watch(context)
    }

    /// What Hummingbird answers: the client is not waited for any more.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        stall.ended()
        context.write(data, promise: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelShouldQuiesceEvent {
            if isAnswering { return mustQuiesce = event }
            writer?.flush(context)
        }
        // A client that closes its side in the middle of a request gets what Hummingbird thinks of that.
        if !isPassing, !isAnswering, event is ChannelEvent { passPending(context) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        pending = nil
        countPending()
        stall.cancel()
        context.fireChannelInactive()
    }

    private func passPending(_ context: ChannelHandlerContext) {
        guard let held = pending.take() else { return }
        countPending()
        writer?.flush(context)
        pass(context, held)
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if isPassing || !isAnswering && !stall.isUnread { context.read() } else { isReadHeldBack = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stall.isUnread = !context.channel.isWritable
        stall.unreadSince = LoopTurn.now()
        readOn(context)
        watch(context)
        context.fireChannelWritabilityChanged()
    }

    private func readOn(_ context: ChannelHandlerContext) {
        guard isReadHeldBack, isPassing || !isAnswering && !stall.isUnread else { return }
        isReadHeldBack = false
        context.read()
    }

    // MARK: Answers of the pool

    private func finish(_ reply: Reply) {
        endpoints.service.metrics.httpEnded(status: reply.status)
        guard let context else { return }
        turn.enter(context.eventLoop)
        isAnswering = false
        writer?.output.writeReply(reply, date: date)
        if let event = mustQuiesce.take() {
            writer?.flush(context)
            return context.fireUserInboundEventTriggered(event)
        }
        if let held = pending.take() { answerAll(context, held) }
        if !countPending() { refuseHeld(context) }
        writer?.flush(context)
        readOn(context)
        watch(context)
    }

    // MARK: Slow clients

    private func watch(_ context: ChannelHandlerContext) {
        guard !stall.isArmed, stall.isWaiting else { return }
        stall.arm(context.eventLoop, in: endpoints.transport.patience / 4) { [weak self] in self?.check() }
    }

    private func check() {
        stall.fired()
        guard let context else { return }
        if stall.isOverdue(LoopTurn.now() - endpoints.transport.patience.nanoseconds) {
            endpoints.service.metrics.slowClientCutOff()
            return context.close(promise: nil)
        }
        watch(context)
    }

    // MARK: One request

    private enum Step {
        case took(Int)
        case later(Int)
        /// Until there are so many bytes.
        case wait(Int)
        case pass
    }

    private func take(_ bytes: UnsafeRawBufferPointer, into output: inout ByteBuffer) -> Step {
        let request: PlainRequest
        switch PlainRequest.parse(bytes) {
        case .incomplete: return .wait(0)
        case .unusual: return .pass
        case .plain(let parsed): request = parsed
        }
        guard request.bodyBytes <= endpoints.maxBodyBytes else { return .pass }
        let total = request.headBytes + request.bodyBytes
        guard total <= bytes.count else { return .wait(total) }
        let target = UnsafeRawBufferPointer(rebasing: bytes[request.targetStart..<request.targetEnd])
        endpoints.service.metrics.requestBegan()
        let standing = peer.standing(
            UnsafeRawBufferPointer(rebasing: bytes[request.authorizationStart..<request.authorizationEnd]), at: turn.began)
        if !request.isPost, request.timeoutMilliseconds == nil, request.acceptEnd == 0 || !mayNameForm(bytes, request),
            let plain = EntityTarget(target), endpoints.transport.isDirect(standing, plain.service)
        {
            let status: Int
            if endpoints.transport.isLate(turn) { status = refuseLate(&output) } else { status = answer(plain, into: &output) }
            endpoints.service.metrics.httpEnded(status: status)
            return .took(total)
        }
        let body = UnsafeRawBufferPointer(rebasing: bytes[request.headBytes..<total])
        guard let status = answer(request, standing, target: target, body: body, in: bytes, into: &output) else { return .later(total) }
        endpoints.service.metrics.httpEnded(status: status)
        return .took(total)
    }

    /// Whether `Accept` may ask for something else than JSON.
    private func mayNameForm(_ bytes: UnsafeRawBufferPointer, _ request: PlainRequest) -> Bool {
        (request.acceptStart..<request.acceptEnd).contains { bytes.has("vnd.", at: $0) }
    }

    /// The hot path.
    private func answer(_ target: EntityTarget, into output: inout ByteBuffer) -> Int {
        if let problem = scratch.answer(target, endpoints.service, into: &output) {
            let reply = Reply(problem: problem)
            output.writeReply(reply, date: date)
            return reply.status
        }
        return 200
    }

    /// Nil: the pool is at it.
    private func answer(
        _ request: PlainRequest, _ standing: Caller.Standing, target: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer, in bytes: UnsafeRawBufferPointer,
        into output: inout ByteBuffer
    ) -> Int? {
        let accept = bytes[request.acceptStart..<request.acceptEnd]
        let asked = Endpoints.Asked(
            method: request.isPost ? .post : .get, target: RequestTarget(String(decoding: target, as: UTF8.self)),
            accept: accept.isEmpty ? nil : String(decoding: accept, as: UTF8.self), timeoutMilliseconds: request.timeoutMilliseconds,
            caller: Caller(standing, address: peer.address))
        if asked.target.isLookup {
            if endpoints.transport.isLate(turn) { return refuseLate(&output) }
            if let deadline = asked.deadline(turn), LoopTurn.now() > deadline {
                return write(endpoints.refuse(.deadlineExceeded, .deadline), to: &output)
            }
        }
        switch endpoints.begin(asked, body: body) {
        case .reply(let reply): return write(reply, to: &output)
        case .later(let work):
            guard let context else { return 500 }
            let eventLoop = context.eventLoop
            let me = NIOLoopBound(self, eventLoop: eventLoop)
            let refused = endpoints.submit(work, asked, turn: turn) { reply in eventLoop.execute { me.value.finish(reply) } }
            return refused.map { write($0, to: &output) }
        }
    }

    private func write(_ reply: Reply, to output: inout ByteBuffer) -> Int {
        output.writeReply(reply, date: date)
        return reply.status
    }

    private func refuseLate(_ output: inout ByteBuffer) -> Int {
        endpoints.service.metrics.refused(.late)
        Self.late.write(to: &output, date: date)
        return Self.late.status
    }

    private static let late = PreparedReply(Reply(problem: .overloaded("requests wait too long for their turn")))
}
