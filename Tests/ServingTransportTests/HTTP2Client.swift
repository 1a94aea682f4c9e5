import NIOCore
import NIOHPACK

/// A blocking HTTP/2 client that shows every frame: what a library would forbid can be sent too.
final class HTTP2Client {
    struct Frame: Equatable {
        var kind: UInt8
        var flags: UInt8
        var stream: UInt32
        var payload: [UInt8]

        static let data: UInt8 = 0, headers: UInt8 = 1, reset: UInt8 = 3, settings: UInt8 = 4, ping: UInt8 = 6, goAway: UInt8 = 7
        static let windowUpdate: UInt8 = 8, continuation: UInt8 = 9
        /// Of RST_STREAM and GOAWAY.
        var code: UInt32 { payload.dropFirst(kind == Self.goAway ? 4 : 0).prefix(4).reduce(0) { $0 << 8 | UInt32($1) } }
    }

    struct Answer {
        var fields: [String: String] = [:]
        var data: [UInt8] = []
        var trailers: [String: String]?
        var resetCode: UInt32?

        var status: String? { fields[":status"] }
        var grpcStatus: Int? { (trailers?["grpc-status"] ?? fields["grpc-status"]).flatMap { Int($0) } }
        func field(_ name: String) -> String? { trailers?[name] ?? fields[name] }
        /// The message behind its five bytes.
        var message: [UInt8] { Array(data.dropFirst(5)) }
    }

    let socket: RawSocket
    private var buffer: [UInt8] = []
    private var encoder = HPACKEncoder(allocator: ByteBufferAllocator())
    private var decoder = HPACKDecoder(allocator: ByteBufferAllocator())
    private var nextStream: UInt32 = 1

    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    init(_ port: Int, settings: [(UInt16, UInt32)] = [(4, 1 << 24)], receiveBuffer: Int32 = 0) throws {
        socket = try RawSocket(port, receiveBuffer: receiveBuffer)
        let payload = settings.flatMap { Self.bytes(UInt32($0.0), 2) + Self.bytes($0.1, 4) }
        let window = Self.frame(Frame.windowUpdate, payload: Self.bytes(1 << 24, 4))
        try socket.send(Self.preface + Self.frame(Frame.settings, payload: payload) + window)
    }

    static func bytes(_ value: UInt32, _ count: Int) -> [UInt8] { (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) } }

    static func frame(_ kind: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, payload: [UInt8] = []) -> [UInt8] {
        bytes(UInt32(payload.count), 3) + [kind, flags] + bytes(stream, 4) + payload
    }

    func send(_ kind: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) throws {
        try socket.send(Self.frame(kind, flags: flags, stream: stream, payload: payload))
    }

    func block(_ fields: [(String, String)]) throws -> [UInt8] {
        var out = ByteBuffer()
        try encoder.encode(headers: HPACKHeaders(fields), to: &out)
        return Array(out.readableBytesView)
    }

    static func head(_ path: String, _ more: [(String, String)] = []) -> [(String, String)] {
        [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "test"), ("content-type", "application/grpc"), ("te", "trailers")] + more
    }

    static func message(_ bytes: [UInt8]) -> [UInt8] { [0] + Self.bytes(UInt32(bytes.count), 4) + bytes }

    /// Sends a request; its stream.
    func begin(_ fields: [(String, String)], body: [UInt8]? = nil, isOver: Bool = true) throws -> UInt32 {
        let stream = nextStream
        nextStream += 2
        var bytes = Self.frame(Frame.headers, flags: body == nil && isOver ? 5 : 4, stream: stream, payload: try block(fields))
        if let body {
            let parts = stride(from: 0, to: max(1, body.count), by: 16_384).map { Array(body[$0..<min($0 + 16_384, body.count)]) }
            for (index, part) in parts.enumerated() {
                bytes += Self.frame(Frame.data, flags: isOver && index == parts.count - 1 ? 1 : 0, stream: stream, payload: part)
            }
        }
        try socket.send(bytes)
        return stream
    }

    /// Sends requests at once; their streams.
    func beginAll(_ requests: [(fields: [(String, String)], message: [UInt8])]) throws -> [UInt32] {
        var bytes: [UInt8] = [], streams: [UInt32] = []
        for request in requests {
            bytes += Self.frame(Frame.headers, flags: 4, stream: nextStream, payload: try block(request.fields))
            bytes += Self.frame(Frame.data, flags: 1, stream: nextStream, payload: Self.message(request.message))
            streams.append(nextStream)
            nextStream += 2
        }
        try socket.send(bytes)
        return streams
    }

    /// Nil when the server has closed the connection.
    func nextFrame() throws -> Frame? {
        while true {
            if buffer.count >= 9 {
                let length = buffer[..<3].reduce(0) { $0 << 8 | Int($1) }
                if buffer.count >= 9 + length {
                    let stream = buffer[5..<9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                    let frame = Frame(kind: buffer[3], flags: buffer[4], stream: stream, payload: Array(buffer[9..<(9 + length)]))
                    buffer.removeFirst(9 + length)
                    return frame
                }
            }
            let more = try socket.receive()
            if more.isEmpty { return nil }
            buffer += more
        }
    }

    /// The next frame of that kind; others are passed over.
    func next(_ kind: UInt8) throws -> Frame? {
        while let frame = try nextFrame() { if frame.kind == kind { return frame } }
        return nil
    }

    func fields(_ frame: Frame) throws -> [String: String] {
        var buffer = ByteBuffer(bytes: frame.payload)
        return Dictionary(try decoder.decodeHeaders(from: &buffer).map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    }

    /// Reads until all these streams are answered or reset.
    func answers(_ streams: [UInt32]) throws -> [UInt32: Answer] {
        var answers: [UInt32: Answer] = [:], open = Set(streams)
        while !open.isEmpty, let frame = try nextFrame() {
            var answer = answers[frame.stream] ?? Answer()
            switch frame.kind {
            case Frame.headers where answer.fields.isEmpty: answer.fields = try fields(frame)
            case Frame.headers: answer.trailers = try fields(frame)
            case Frame.data: answer.data += frame.payload
            case Frame.reset: answer.resetCode = frame.code
            default: continue
            }
            answers[frame.stream] = answer
            if frame.kind == Frame.reset || frame.flags & 1 != 0 { open.remove(frame.stream) }
        }
        return answers
    }

    func ask(_ fields: [(String, String)], body: [UInt8]? = nil) throws -> Answer {
        let stream = try begin(fields, body: body)
        guard let answer = try answers([stream])[stream] else { throw RawSocket.Failure(text: "closed before the answer") }
        return answer
    }

    func call(
        _ method: String, _ message: [UInt8], service: String = "millrace.serving.v1.FeatureService", _ more: [(String, String)] = []
    ) throws -> Answer {
        try ask(Self.head("/\(service)/\(method)", more), body: Self.message(message))
    }
}
