package import NIOCore
internal import Serving

/// Puts an `HTTP2Connection` on a channel: bytes in, bytes out, and the clock.
///
/// While the client does not read its answers nothing more is read from it. A client that keeps the server waiting longer than
/// `HTTP2Limits.patience`, with half a frame, half a request or an answer that it does not take, is cut off.
package final class HTTP2Handler: ChannelDuplexHandler, TurnSender {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    private let transport: Transport
    private let responder: any HTTP2Responder
    private let peer: Peer
    private let limits: HTTP2Limits
    private var connection: HTTP2Connection?
    private var context: ChannelHandlerContext?
    private let turn = LoopTurn.current
    /// Has the frames that wait for the end of the turn.
    private var writer: SocketWriter?
    /// A frame that is not all here.
    private var pending: ByteBuffer?
    private var isReadHeldBack = false
    private var stall = StallWatch()
    private var held: HeldPart

    /// On the channel's event loop.
    package init(transport: Transport, responder: any HTTP2Responder, peer: Peer) {
        self.peer = peer
        self.transport = transport
        self.responder = responder
        held = HeldPart(of: transport.held)
        limits = HTTP2Limits(maxBodyBytes: transport.settings.maxRequestBytes + 5, patience: transport.patience)
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        writer = SocketWriter(context.channel, isPlain: transport.isPlain)
        let eventLoop = context.eventLoop
        let me = NIOLoopBound(self, eventLoop: eventLoop)
        connection = HTTP2Connection(responder: responder, limits: limits, turn: turn, peer: peer) { stream in
            HTTP2Exchange { delivery in eventLoop.execute { me.value.deliver(delivery, on: stream) } }
        }
        if context.channel.isActive { greet(context) }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        stall.cancel()
        connection?.abandon()
        self.context = nil
        writer = nil
        held.set(0)
    }

    package func channelActive(context: ChannelHandlerContext) {
        greet(context)
        context.fireChannelActive()
    }

    private func greet(_ context: ChannelHandlerContext) {
        send(context)
        writer?.flush(context)
        watch(context)
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let connection else { return }
        turn.enter(context.eventLoop)
        var input = unwrapInboundIn(data)
        if var held = pending.take() {
            held.writeBuffer(&input)
            input = held
        }
        let count = input.withUnsafeReadableBytes { connection.receive($0) }
        input.moveReaderIndex(forwardBy: count)
        if input.readableBytes > 0 {
            pending = input
            stall.began(at: turn.began)
        } else {
            stall.ended()
        }
        send(context)
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        turn.atEnd(self)
    }

    package func turnEnded() {
        guard let context else { return }
        writer?.flush(context)
        watch(context)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        connection?.abandon()
        stall.cancel()
        pending = nil
        held.set(0)
        context.fireChannelInactive()
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    package func read(context: ChannelHandlerContext) {
        if context.channel.isWritable { context.read() } else { isReadHeldBack = true }
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        stall.isUnread = !context.channel.isWritable
        stall.unreadSince = turn.began
        if isReadHeldBack, context.channel.isWritable {
            isReadHeldBack = false
            context.read()
        }
        watch(context)
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is ChannelShouldQuiesceEvent else { return context.fireUserInboundEventTriggered(event) }
        connection?.announceLeaving()
        send(context)
        writer?.flush(context)
        // A client that does not answer the ping is not waited for.
        context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { [weak self] in
            guard let self, let context = self.context else { return }
            connection?.beginLeaving()
            send(context)
            writer?.flush(context)
        }
    }

    private func deliver(_ delivery: HTTP2Exchange.Delivery, on stream: UInt32) {
        guard let context, let connection else { return }
        turn.enter(context.eventLoop)
        connection.deliver(delivery, on: stream)
        send(context)
        writer?.flush(context)
        watch(context)
    }

    private func send(_ context: ChannelHandlerContext) {
        guard let connection, let writer else { return }
        if !held.set(connection.keptBytes + (pending?.readableBytes ?? 0)) {
            transport.service.metrics.refused(.memory)
            connection.shed()
            held.set(connection.keptBytes + (pending?.readableBytes ?? 0))
        }
        if writer.output.readableBytes == 0 { swap(&writer.output, &connection.output) } else { writer.output.writeBuffer(&connection.output) }
        connection.output.clear(minimumCapacity: 4096)
        guard connection.isOver else { return }
        self.connection = nil
        pending = nil
        held.set(0)
        let sent = context.eventLoop.makePromise(of: Void.self)
        let channel = context.channel
        sent.futureResult.whenComplete { _ in channel.close(promise: nil) }
        writer.flush(context, promise: sent)
    }

    // MARK: Slow clients

    /// Sees to it that `check` comes while anything waits for the client.
    private func watch(_ context: ChannelHandlerContext) {
        guard !stall.isArmed, stall.isWaiting || connection.map({ !$0.hasGreeted || $0.waitsForClient }) ?? true else { return }
        stall.arm(context.eventLoop, in: limits.patience / 4) { [weak self] in self?.check() }
    }

    private func check() {
        stall.fired()
        guard let context else { return }
        let limit = LoopTurn.now() - limits.patience.nanoseconds
        var isTooSlow = stall.isOverdue(limit)
        if let connection {
            if !connection.hasGreeted, stall.created <= limit { isTooSlow = true }
            let before = connection.slowStreams
            connection.endSlow(since: limit)
            for _ in before..<connection.slowStreams { transport.service.metrics.slowClientCutOff() }
            send(context)
            writer?.flush(context)
        } else if stall.created <= limit {
            // The last words are not read.
            isTooSlow = true
        }
        if isTooSlow {
            transport.service.metrics.slowClientCutOff()
            return context.close(promise: nil)
        }
        watch(context)
    }
}
