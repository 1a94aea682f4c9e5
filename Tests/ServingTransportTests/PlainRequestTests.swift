import ServingHTTP
import Testing

@Suite struct PlainRequestTests {
    private func parse(_ text: String) -> PlainRequest.Parsed { parse(Array(text.utf8)) }
    private func parse(_ bytes: [UInt8]) -> PlainRequest.Parsed { bytes.withUnsafeBytes { PlainRequest.parse($0) } }

    static let get = "GET /v1/services/homepage/entities/c1 HTTP/1.1\r\nHost: a\r\nUser-Agent: x/1 (y)\r\nAccept: */*\r\nConnection: Keep-Alive\r\n\r\n"
    static let post = "POST /v1/lookup HTTP/1.1\r\nhost: a\r\nContent-Length: 2\r\nX-Empty:\r\n\r\n"

    @Test func findsTargetAndLengths() {
        guard case .plain(let get) = parse(Self.get), case .plain(let post) = parse(Self.post + "{}") else {
            Issue.record("not plain")
            return
        }
        #expect(!get.isPost && get.targetStart == 4 && get.targetEnd == 37 && get.headBytes == Self.get.utf8.count && get.bodyBytes == 0)
        #expect(post.isPost && post.targetStart == 5 && post.targetEnd == 15 && post.headBytes == Self.post.utf8.count && post.bodyBytes == 2)
    }

    @Test(arguments: [get, post]) func everyPrefixIsIncomplete(_ request: String) {
        let bytes = Array(request.utf8)
        for count in 0..<bytes.count { #expect(parse(Array(bytes[..<count])) == .incomplete, "\(count) bytes") }
    }

    @Test(arguments: [
        "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "PUT / HTTP/1.1\r\nHost: a\r\n\r\n", "get / HTTP/1.1\r\nHost: a\r\n\r\n", "GETS / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\nHost: a\n\n", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\u{7f} HTTP/1.1\r\nHost: a\r\n\r\n", "GET /é HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: \u{1}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\rX", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /\(String(repeating: "a", count: 20_000)) HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 20_000))\r\n\r\n", "\u{16}\u{3}\u{1}",
    ])
    func leavesAloneWhatIsNotPlain(_ request: String) { #expect(parse(request) == .unusual) }

    /// Whatever the bytes: no trap, and what is plain lies within them, with nothing but the rules' characters in the head.
    @Test func anyBytes() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var bytes = Array((Bool.random(using: &random) ? Self.get : Self.post + "{}").utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: at)
                default: bytes.insert([13, 10, 32, 58, 0, 47][Int.random(in: 0..<6, using: &random)], at: at)
                }
            }
            guard case .plain(let request) = parse(bytes) else { continue }
            #expect(request.headBytes <= bytes.count && request.targetStart < request.targetEnd && request.targetEnd < request.headBytes)
            #expect(bytes[..<request.headBytes].suffix(4) == [13, 10, 13, 10])
            #expect(!bytes[..<request.headBytes].contains(0), "\(bytes)")
        }
    }
}
