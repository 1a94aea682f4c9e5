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

    /// What waits for `flush`. When the kernel has it its memory serves again.
    package var output = ByteBuffer()
    /// Making one asks each time whether NIO's has been made.
    private let empty = ByteBuffer()

    /// - Parameter isPlain: no handler changes bytes on their way.
    package init(_ channel: any Channel, isPlain: Bool) {
        self.channel = channel
        let handle = isPlain ? try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 } : nil
        socket = handle ?? -1
    }

    /// What waits, to be written on and given back; nothing waits meanwhile.
    package func takeOutput() -> ByteBuffer {
        defer { output = empty }
        return output
    }

    /// Sends what waits, in the order of the calls.
    ///
    /// - Parameter promise: kept when the kernel has all of it.
    package func flush(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>? = nil) {
        guard output.readableBytes > 0 else {
            promise?.succeed()
            return
        }
        // Sending may come back here, when the channel's writability changes or it ends.
        var bytes = takeOutput()
        guard socket >= 0 else { return context.writeAndFlush(NIOAny(bytes), promise: promise) }
        // A channel that is not active may have given its socket back to the system.
        if unfinished == 0, channel.isActive {
            let sent = bytes.withUnsafeReadableBytes { Glibc.send(socket, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)) }
            // An error, too, is NIO's to find: it ends the connection.
            if sent == bytes.readableBytes {
                bytes.clear()
                // A large answer's memory is not kept.
                if bytes.capacity <= 1 << 16 { output = bytes }
                promise?.succeed()
                return
            }
            if sent > 0 { bytes.moveReaderIndex(forwardBy: sent) }
        }
        unfinished += 1
        let written = context.eventLoop.makePromise(of: Void.self)
        let me = NIOLoopBound(self, eventLoop: context.eventLoop)
        written.futureResult.whenComplete { result in
            me.value.unfinished -= 1
            promise?.completeWith(result)
        }
        context.writeAndFlush(NIOAny(bytes), promise: written)
    }
}
