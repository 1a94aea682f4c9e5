internal import NIOCore
internal import Serving
internal import ServingTransport

/// HTTP/2 on the same port, without TLS: a client that knows begins with the preface (RFC 9113, section 3.3).
extension DirectRequests {
    /// The handlers behind this one see nothing of the connection but its end.
    func becomeHTTP2(_ context: ChannelHandlerContext, _ input: ByteBuffer) {
        let handler = HTTP2Handler(transport: endpoints.transport, responder: http2)
        let pipeline = context.pipeline
        do {
            try pipeline.syncOperations.addHandler(handler, position: .first)
        } catch {
            return context.close(promise: nil)
        }
        readByItself(context)
        pipeline.fireChannelRead(input)
        pipeline.fireChannelReadComplete()
    }
}
