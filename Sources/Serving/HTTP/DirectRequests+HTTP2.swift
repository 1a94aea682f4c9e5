internal import NIOCore
internal import Serving
internal import ServingTransport

/// HTTP/2 on the same port, without TLS: a client that knows begins with the preface (RFC 9113, section 3.3).
extension DirectRequests {
    /// The handlers behind this one see nothing of the connection but its end.
    func becomeHTTP2(_ context: ChannelHandlerContext, _ input: ByteBuffer) {
        let handler = HTTP2Handler(transport: endpoints.transport, responder: http2, peer: peer)
        let pipeline = context.pipeline.syncOperations
        let place: ChannelHandlerContext
        do {
            try pipeline.addHandler(handler, position: .before(self))
            place = try pipeline.context(handler: handler)
        } catch {
            return context.close(promise: nil)
        }
        readByItself(context)
        handler.channelRead(context: place, data: wrapInboundOut(input))
        handler.channelReadComplete(context: place)
    }
}
