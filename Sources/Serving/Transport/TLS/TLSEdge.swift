internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// Stands behind the TLS handler: a connection whose handshake fails, or takes longer than a client may, is closed and counted.
final class TLSEdge: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let patience: Duration
    private let contexts: TLSContexts
    private var timer: Scheduled<Void>?
    private var isDone = false

    init(patience: Duration, _ contexts: TLSContexts) {
        self.patience = patience
        self.contexts = contexts
    }

    func handlerAdded(context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(patience.nanoseconds)) { [weak self] in
            guard let self, !isDone else { return }
            contexts.handshakeFailed()
            isDone = true
            context.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted = event {
            isDone = true
            timer?.cancel()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !isDone {
            isDone = true
            contexts.handshakeFailed()
        }
        context.close(promise: nil)
    }
}
