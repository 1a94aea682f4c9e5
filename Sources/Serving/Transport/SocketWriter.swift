internal import Glibc
package import NIOCore

/// The way of answers to a connection's socket: straight to the kernel, and by way of NIO what it does not take.
///
/// NIO keeps each write in a queue of pending ones and looks through that when the channel is flushed, which costs a tenth of a small answer. Almost always
/// the kernel takes all of it at once, and nothing need be kept. Over TLS everything goes through NIO, which encrypts it.
///
/// Belongs to its channel's event loop.
package final class SocketWriter {
    private let channel: any Channel
    /// -1: everything goes through NIO.
    private let socket: CInt
    /// Writes that NIO has taken and not finished: what comes later must not overtake them.
    private var unfinished = 0

    /// - Parameter isPlain: no handler changes bytes on their way.
    package init(_ channel: any Channel, isPlain: Bool) {
        self.channel = channel
        let handle = isPlain ? try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 } : nil
        socket = handle ?? -1
    }

    /// Sends the bytes in the order of the calls. Afterwards `bytes` is empty and has its memory, unless NIO needs that.
    ///
    /// - Parameter promise: kept when the kernel has all bytes.
    package func send(_ bytes: inout ByteBuffer, _ context: ChannelHandlerContext, promise: EventLoopPromise<Void>? = nil) {
        // A channel that is not active may have given its socket back to the system.
        if socket >= 0, unfinished == 0, channel.isActive {
            let sent = bytes.withUnsafeReadableBytes { Glibc.send(socket, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)) }
            // An error, too, is NIO's to find: it ends the connection.
            if sent == bytes.readableBytes {
                bytes.clear()
                promise?.succeed()
                return
            }
            if sent > 0 { bytes.moveReaderIndex(forwardBy: sent) }
        }
        let rest = bytes
        bytes = ByteBuffer()
        if socket >= 0 || promise != nil {
            unfinished += 1
            let written = context.eventLoop.makePromise(of: Void.self)
            let me = NIOLoopBound(self, eventLoop: context.eventLoop)
            written.futureResult.whenComplete { result in
                me.value.unfinished -= 1
                promise?.completeWith(result)
            }
            context.writeAndFlush(NIOAny(rest), promise: written)
        } else {
            context.writeAndFlush(NIOAny(rest), promise: nil)
        }
    }
}
