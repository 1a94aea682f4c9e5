internal import NIOCore
internal import Serving
internal import ServingGRPC
internal import ServingTransport
internal import TestSupport

/// An HTTP/2 connection of a server with a store made of closures: any bytes may come, what goes out are frames and what is kept is bounded.
enum ConnectionTarget {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    nonisolated(unsafe) private static let responder = GRPCResponder(transport: Transport(service: LookupDouble(maxKeys: 16).service))
    private static let limits = HTTP2Limits(maxBodyBytes: 2_000, patience: .seconds(5))

    static func frame(_ kind: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, payload: [UInt8] = []) -> [UInt8] {
        let count = payload.count
        return [UInt8(count >> 16 & 0xff), UInt8(count >> 8 & 0xff), UInt8(count & 0xff), kind, flags]
            + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: stream >> $0) } + payload
    }

    /// Never indexed, never Huffman.
    static func literal(_ name: String, _ value: String) -> [UInt8] {
        [0, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)] + Array(value.utf8)
    }

    static func head(_ path: String) -> [UInt8] {
        literal(":method", "POST") + literal(":scheme", "http") + literal(":path", path) + literal("content-type", "application/grpc")
            + literal("te", "trailers")
    }

    /// Feeds the bytes in parts of that size and checks what comes out.
    static func run(_ bytes: [UInt8], parts: Int) {
        let connection = HTTP2Connection(responder: responder, limits: limits, turn: LoopTurn(clock: { 0 })) { _ in HTTP2Exchange { _ in } }
        var held: [UInt8] = []
        var at = 0
        while at < bytes.count, !connection.isOver {
            let end = min(at + max(1, parts), bytes.count)
            held += bytes[at..<end]
            at = end
            let count = held.withUnsafeBytes { connection.receive($0) }
            guard count <= held.count else { fatalError("more was read than there was") }
            held.removeFirst(count)
            guard connection.isOver || held.count < 9 + 16_384 else { fatalError("a whole frame was left lying") }
            guard connection.keptBytes <= limits.maxHeldBytes + limits.maxQueuedBytes + limits.maxHeaderBytes + (1 << 20) else {
                fatalError("\(connection.keptBytes) bytes are kept")
            }
            check(&connection.output)
        }
        connection.shed()
        connection.endSlow(since: .max)
        check(&connection.output)
        connection.announceLeaving()
        connection.beginLeaving()
        connection.abandon()
        guard connection.keptBytes == 0 else { fatalError("\(connection.keptBytes) bytes are left of a client that is gone") }
    }

    private static func check(_ output: inout ByteBuffer) {
        while let head = output.readBytes(length: 9) {
            let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            guard head[3] <= 9, length <= 16_384, output.readBytes(length: length) != nil else { fatalError("what goes out is no frame") }
        }
        output.clear()
    }
}
