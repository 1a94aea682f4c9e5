import NIOCore
import NIOHPACK
import Serving
import ServingTransport
import Testing

/// The connection without a channel: what goes in, what comes out.
@Suite struct HTTP2ConnectionTests {
    /// Answers a call with its own body, and `/later` when it is told to.
    private final class Echo: HTTP2Responder, @unchecked Sendable {
        var exchanges: [HTTP2Exchange] = []
        var requests = 0
        var answer: (Int) -> HTTP2Answer = { _ in HTTP2Answer(fields: []) }

        func answer(_ request: HTTP2Request, body: UnsafeRawBufferPointer, turn: LoopTurn, later: () -> HTTP2Exchange) -> HTTP2Answer? {
            requests += 1
            if request.path == "/later" {
                exchanges.append(later())
                return nil
            }
            var answer = HTTP2Answer(fields: [.known(.grpcType)], body: Array(body), trailers: [.known(.grpcOK)])
            if request.path.hasPrefix("/large") { answer.body = [UInt8](repeating: 7, count: Int(request.path.dropFirst(7)) ?? 0) }
            return answer
        }

        func refuse(_ request: HTTP2Request, _ problem: LookupProblem) -> HTTP2Answer {
            HTTP2Answer(status: problem.httpStatus, fields: [.literal(name: "slug", value: problem.slug)])
        }
    }

    private final class Peer {
        let echo = Echo()
        let connection: HTTP2Connection
        var time: Int64 = 0
        var frames: [HTTP2Client.Frame] = []
        private var held: [UInt8] = []
        private var encoder = HPACKEncoder(allocator: ByteBufferAllocator())
        private var decoder = HPACKDecoder(allocator: ByteBufferAllocator())
        private var deliveries: [(UInt32, HTTP2Exchange.Delivery)] = []

        init(limits: HTTP2Limits = HTTP2Limits(maxBodyBytes: 100_000, patience: .seconds(5)), greets: Bool = true) {
            connection = HTTP2Connection(responder: echo, limits: limits, turn: LoopTurn(clock: { 0 })) { _ in HTTP2Exchange { _ in } }
            if greets { receive(HTTP2Client.preface + HTTP2Client.frame(4)) }
        }

        /// Feeds bytes in parts of that size.
        func receive(_ bytes: [UInt8], parts: Int = .max) {
            var rest = bytes[...]
            while !rest.isEmpty {
                held += rest.prefix(parts)
                rest = rest.dropFirst(parts)
                let count = held.withUnsafeBytes { connection.receive($0) }
                held.removeFirst(count)
                collect()
            }
        }

        func collect() {
            var output = connection.output
            connection.output = ByteBuffer()
            while let head = output.readBytes(length: 9) {
                let length = head[..<3].reduce(0) { $0 << 8 | Int($1) }
                let stream = head[5...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                frames.append(.init(kind: head[3], flags: head[4], stream: stream, payload: output.readBytes(length: length) ?? []))
            }
        }

        func request(_ stream: UInt32, _ path: String = "/echo", body: [UInt8] = [], more: [(String, String)] = []) -> [UInt8] {
            HTTP2Client.frame(1, flags: 4, stream: stream, payload: block(HTTP2Client.head(path, more)))
                + HTTP2Client.frame(0, flags: 1, stream: stream, payload: body)
        }

        func block(_ fields: [(String, String)]) -> [UInt8] {
            var out = ByteBuffer()
            try? encoder.encode(headers: HPACKHeaders(fields), to: &out)
            return Array(out.readableBytesView)
        }

        func fields(_ frame: HTTP2Client.Frame) throws -> [(String, String)] {
            var buffer = ByteBuffer(bytes: frame.payload)
            return try decoder.decodeHeaders(from: &buffer).map { ($0.name, $0.value) }
        }

        var failure: UInt32? { frames.last { $0.kind == HTTP2Client.Frame.goAway }?.code }
        func data(_ stream: UInt32) -> [UInt8] { frames.filter { $0.kind == 0 && $0.stream == stream }.flatMap(\.payload) }
    }

    @Test(arguments: [1, 2, 7, 100, Int.max]) func answersHoweverTheBytesAreCut(_ parts: Int) throws {
        let peer = Peer(greets: false)
        var bytes = HTTP2Client.preface + HTTP2Client.frame(4)
        for i in 0..<20 { bytes += peer.request(UInt32(2 * i + 1), body: Array("body \(i)".utf8)) }
        peer.receive(bytes, parts: parts)
        for i in 0..<20 { #expect(String(decoding: peer.data(UInt32(2 * i + 1)), as: UTF8.self) == "body \(i)") }
        for frame in peer.frames where frame.kind == 1 {
            let fields = try peer.fields(frame)
            if frame.flags & 1 == 0 {
                #expect(fields.map(\.0) == [":status", "content-type"] && fields[1].1 == "application/grpc")
            } else {
                #expect(fields.map(\.0) == ["grpc-status"] && fields[0].1 == "0")
            }
        }
        // What every answer has is a few bytes from the second on.
        #expect(peer.frames.last { $0.kind == 1 }?.payload.count == 1)
    }

    @Test func aClientWithoutATableGetsLiterals() throws {
        let peer = Peer()
        peer.receive(HTTP2Client.frame(4, payload: [0, 1, 0, 0, 0, 0]) + peer.request(1) + peer.request(3))
        var decoder = HPACKDecoder(allocator: ByteBufferAllocator())
        for frame in peer.frames where frame.kind == 1 {
            var buffer = ByteBuffer(bytes: frame.payload)
            let fields = try decoder.decodeHeaders(from: &buffer)
            #expect(fields.contains { $0.value == "application/grpc" || $0.value == "0" })
        }
        #expect(peer.frames.filter { $0.kind == 1 }.allSatisfy { $0.payload.count > 10 })
    }

    @Test func answersWaitForTheWindow() {
        let peer = Peer()
        // A window of 10 bytes for each stream.
        peer.receive(HTTP2Client.frame(4, payload: [0, 4, 0, 0, 0, 10]))
        peer.receive(peer.request(1, "/large/25") + peer.request(3, "/large/5"))
        #expect(peer.data(1).count == 10 && peer.data(3).count == 5)
        #expect(!peer.frames.contains { $0.stream == 1 && $0.flags & 1 != 0 && $0.kind == 1 })
        peer.receive(HTTP2Client.frame(8, stream: 1, payload: [0, 0, 0, 14]))
        #expect(peer.data(1).count == 24)
        // The window of all streams grows with the setting.
        peer.receive(HTTP2Client.frame(4, payload: [0, 4, 0, 0, 0, 11]))
        #expect(peer.data(1).count == 25)
        #expect(peer.frames.last { $0.stream == 1 }?.flags == 5)
        // That of the connection: 65,535 less 30.
        peer.receive(HTTP2Client.frame(4, payload: [0, 4, 0, 1, 0, 0]))
        peer.receive(peer.request(5, "/large/65536"))
        #expect(peer.data(5).count == 65_505)
        peer.receive(HTTP2Client.frame(8, stream: 0, payload: [0, 0, 1, 0]))
        #expect(peer.data(5).count == 65_536)
        #expect(peer.connection.waitsForClient == false)
    }

    @Test func aClientThatDoesNotReadIsRefusedAndThenReset() {
        var limits = HTTP2Limits(maxBodyBytes: 100, patience: .seconds(5))
        limits.maxQueuedBytes = 1_000
        let peer = Peer(limits: limits)
        peer.receive(HTTP2Client.frame(4, payload: [0, 4, 0, 0, 0, 0]))
        peer.receive(peer.request(1, "/large/2000") + peer.request(3, "/large/2000"))
        #expect(peer.data(1).isEmpty && peer.echo.requests == 1)
        #expect(peer.connection.waitsForClient)
        peer.connection.endSlow(since: 1)
        peer.collect()
        #expect(peer.frames.contains { $0.kind == 3 && $0.stream == 1 && $0.code == 8 })
        #expect(peer.connection.slowStreams == 1)
        peer.receive(peer.request(5, "/large/2000"))
        #expect(peer.echo.requests == 2)
    }

    @Test func boundsWhatAClientSends() {
        let peer = Peer()
        peer.receive(HTTP2Client.frame(1, flags: 4, stream: 1, payload: peer.block(HTTP2Client.head("/echo"))))
        for _ in 0..<7 { peer.receive(HTTP2Client.frame(0, stream: 1, payload: [UInt8](repeating: 1, count: 16_384))) }
        #expect(peer.frames.contains { $0.kind == 3 && $0.stream == 1 && $0.code == 0 })
        // The rest of it is passed over.
        peer.receive(HTTP2Client.frame(0, flags: 1, stream: 1, payload: [1]) + peer.request(3, body: [5]))
        #expect(peer.data(3) == [5] && peer.failure == nil)
        // A connection's worth of open streams, and one more.
        for i in 0..<129 {
            peer.receive(HTTP2Client.frame(1, flags: 4, stream: UInt32(5 + 2 * i), payload: peer.block(HTTP2Client.head("/echo"))))
        }
        #expect(peer.frames.last { $0.kind == 3 }?.code == 7)
    }

    @Test func streamsThatAreOpenedAndResetEndTheConnection() {
        let peer = Peer()
        for i in 0..<1_001 {
            peer.receive(peer.request(UInt32(2 * i + 1), "/later") + HTTP2Client.frame(3, stream: UInt32(2 * i + 1), payload: [0, 0, 0, 8]))
        }
        #expect(peer.failure == 11 && peer.connection.isOver)
        #expect(peer.echo.exchanges.allSatisfy { $0.isCancelled })
    }

    @Test func streamsThatTheClientMakesUsResetEndTheConnectionToo() {
        for attack in [[0, 0, 0, 0], [0x7f, 0xff, 0xff, 0xff]] as [[UInt8]] {
            let peer = Peer()
            for i in 0..<1_001 where !peer.connection.isOver {
                let stream = UInt32(2 * i + 1)
                peer.receive(HTTP2Client.frame(1, flags: 4, stream: stream, payload: peer.block(HTTP2Client.head("/echo"))))
                peer.receive(HTTP2Client.frame(8, stream: stream, payload: attack))
            }
            #expect(peer.failure == 11 && peer.connection.isOver)
        }
        let peer = Peer()
        for i in 0..<1_001 { peer.receive(HTTP2Client.frame(1, flags: 5, stream: UInt32(2 * i + 1), payload: peer.block([(":method", "GET")]))) }
        #expect(peer.failure == 11 && peer.connection.isOver)
    }

    @Test(arguments: [
        HTTP2Client.frame(4), HTTP2Client.frame(6, payload: Array(repeating: 0, count: 8)), HTTP2Client.frame(2, stream: 1, payload: [0, 0, 0, 0, 1]),
        HTTP2Client.frame(0x42, stream: 1), HTTP2Client.frame(8, payload: [0, 0, 0, 1]), HTTP2Client.frame(0, stream: 1),
    ])
    func framesThatBringNothingEndTheConnectionWhenThereAreTooMany(_ frame: [UInt8]) {
        let peer = Peer()
        peer.receive(HTTP2Client.frame(1, flags: 4, stream: 1, payload: peer.block(HTTP2Client.head("/later"))))
        for _ in 0..<1_900 { peer.receive(frame) }
        #expect(!peer.connection.isOver)
        for _ in 0..<200 where !peer.connection.isOver { peer.receive(frame) }
        #expect(peer.failure == 11)
    }

    @Test func aHeaderBlockThatStopsInTheMiddleIsNotWaitedFor() {
        let peer = Peer()
        peer.receive(HTTP2Client.frame(1, stream: 1, payload: peer.block(HTTP2Client.head("/echo"))))
        #expect(peer.connection.waitsForClient && !peer.connection.isOver)
        peer.connection.endSlow(since: -1)
        #expect(!peer.connection.isOver)
        peer.connection.endSlow(since: 1)
        peer.collect()
        #expect(peer.failure == 11 && peer.connection.isOver && peer.connection.slowStreams == 1)
    }

    @Test func whatIsKeptForAClientIsCountedAndLetGo() {
        let peer = Peer()
        peer.receive(HTTP2Client.frame(4, payload: [0, 4, 0, 0, 0, 0]))
        for stream in [1, 3] as [UInt32] {
            peer.receive(HTTP2Client.frame(1, flags: 4, stream: stream, payload: peer.block(HTTP2Client.head("/echo"))))
            peer.receive(HTTP2Client.frame(0, stream: stream, payload: [UInt8](repeating: 1, count: 1_000)))
        }
        peer.receive(peer.request(5, "/large/500"))
        #expect(peer.connection.keptBytes == 2_500)
        peer.connection.shed()
        #expect(peer.connection.keptBytes == 0 && !peer.connection.isOver)
        peer.collect()
        #expect(peer.frames.filter { $0.kind == 3 }.map(\.stream).sorted() == [1, 3, 5])
        peer.receive(HTTP2Client.frame(4, payload: [0, 4, 0, 0, 0, 99]) + peer.request(7, body: [7]))
        #expect(peer.data(7) == [7])
    }

    @Test func aHeaderBlockMayComeInPartsButEnds() {
        let peer = Peer()
        let block = peer.block(HTTP2Client.head("/echo", [("x", String(repeating: "a", count: 900))]))
        var bytes = HTTP2Client.frame(1, flags: 1, stream: 1, payload: Array(block[..<10]))
        bytes += HTTP2Client.frame(9, stream: 1, payload: Array(block[10..<20]))
        bytes += HTTP2Client.frame(9, flags: 4, stream: 1, payload: Array(block[20...]))
        peer.receive(bytes)
        #expect(peer.echo.requests == 1 && peer.failure == nil)
        peer.receive(HTTP2Client.frame(1, stream: 3, payload: []))
        for _ in 0..<20 where !peer.connection.isOver { peer.receive(HTTP2Client.frame(9, stream: 3, payload: [])) }
        #expect(peer.failure == 11)
    }

    @Test(arguments: [
        ("no preface", Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), 1), ("a frame too long", [0, 0x40, 1, 0, 0, 0, 0, 0, 1], 6),
        ("an even stream", HTTP2Client.frame(1, flags: 5, stream: 2), 1), ("DATA of no stream", HTTP2Client.frame(0, stream: 0), 1),
        ("DATA of an idle stream", HTTP2Client.frame(0, stream: 9), 1), ("padding", HTTP2Client.frame(0, flags: 8, stream: 1, payload: [9, 1]), 1),
        ("not HPACK", HTTP2Client.frame(1, flags: 5, stream: 1, payload: [0xff, 0xff, 0xff]), 9),
        ("index 0", HTTP2Client.frame(1, flags: 5, stream: 1, payload: [0x80]), 9), ("settings", HTTP2Client.frame(4, payload: [1]), 6),
        ("settings of a stream", HTTP2Client.frame(4, stream: 1), 1), ("a ping", HTTP2Client.frame(6, payload: [1]), 6),
        ("a window", HTTP2Client.frame(8, payload: [0, 0, 0, 0]), 1), ("a window too large", HTTP2Client.frame(8, payload: [0x7f, 0xff, 0xff, 0xff]), 3),
        ("push", HTTP2Client.frame(5, stream: 1, payload: [0, 0, 0, 2]), 1), ("a continuation", HTTP2Client.frame(9, stream: 1), 1),
        ("inside a block", HTTP2Client.frame(1, stream: 1) + HTTP2Client.frame(6, payload: Array(repeating: 0, count: 8)), 1),
        ("an idle reset", HTTP2Client.frame(3, stream: 1, payload: [0, 0, 0, 0]), 1),
    ])
    func violationsEndTheConnection(_ what: String, _ bytes: [UInt8], _ code: UInt32) {
        let peer = Peer(greets: what != "no preface")
        peer.receive(bytes)
        #expect(peer.failure == code && peer.connection.isOver, "\(what)")
    }

    @Test(arguments: [
        [(":method", "POST"), (":path", "/echo")], [(":method", "POST"), (":scheme", "http"), (":path", "echo")],
        [(":method", "POST"), (":scheme", "http"), (":path", "/"), ("A", "b")], [("a", "b"), (":method", "POST"), (":scheme", "http"), (":path", "/")],
        [(":method", "POST"), (":method", "POST"), (":scheme", "http"), (":path", "/")],
        [(":method", "POST"), (":scheme", "http"), (":path", "/"), ("connection", "close")],
        [(":method", "POST"), (":scheme", "http"), (":path", "/"), ("te", "gzip")],
        [(":method", "POST"), (":scheme", "http"), (":path", "/"), ("a", "b\r\nc: d")],
        [(":method", "POST"), (":scheme", "http"), (":path", "/"), ("content-length", "x")],
        [(":method", "POST"), (":scheme", "http"), (":path", "/"), ("content-length", "5")],
    ])
    func malformedRequestsAreReset(_ fields: [(String, String)]) {
        let peer = Peer()
        peer.receive(HTTP2Client.frame(1, flags: 5, stream: 1, payload: peer.block(fields)))
        #expect(peer.frames.last?.kind == 3 && peer.frames.last?.code == 1 && peer.echo.requests == 0)
        peer.receive(peer.request(3, body: [1]))
        #expect(peer.data(3) == [1])
    }

    @Test func leavesWithTheLastAnswer() {
        let peer = Peer()
        peer.receive(peer.request(1, "/later"))
        peer.connection.announceLeaving()
        peer.collect()
        guard let ping = peer.frames.last, ping.kind == 6 else { return #expect(Bool(false)) }
        peer.receive(peer.request(3, body: [3]) + HTTP2Client.frame(6, flags: 1, payload: ping.payload))
        #expect(peer.data(3) == [3] && !peer.connection.isOver)
        peer.receive(peer.request(5, body: [5]))
        #expect(peer.data(5).isEmpty)
        peer.connection.deliver(.answer(HTTP2Answer(fields: [])), on: 1)
        peer.collect()
        #expect(peer.connection.isOver && peer.frames.last?.stream == 1)
    }

    /// Whatever the bytes: no trap, and what comes out are frames.
    @Test func anyBytes() {
        var random = SystemRandomNumberGenerator()
        for round in 0..<3_000 {
            let peer = Peer()
            var bytes: [UInt8] = []
            for i in 0..<4 { bytes += peer.request(UInt32(2 * i + 1), i % 2 == 0 ? "/echo" : "/later", body: [1, 2, 3]) }
            bytes += HTTP2Client.frame(8, stream: 3, payload: [0, 0, 0, 9]) + HTTP2Client.frame(3, stream: 3, payload: [0, 0, 0, 8])
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch round % 3 {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: at)
                default: bytes.insert(UInt8.random(in: 0...9, using: &random), at: at)
                }
            }
            peer.receive(bytes, parts: Int.random(in: 1...200, using: &random))
            #expect(peer.frames.allSatisfy { $0.kind <= 9 })
        }
    }
}
