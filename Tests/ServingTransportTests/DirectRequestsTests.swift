import Foundation
import Glibc
import Serving
import TestSupport
import Testing

/// The server over a socket, byte for byte: what `DirectRequests` answers itself and what it leaves to Hummingbird.
@Suite(.timeLimit(.minutes(2))) struct DirectRequestsTests {
    private func withServer(_ double: LookupDouble = LookupDouble(), _ body: @escaping @Sendable (_ port: Int) throws -> Void) async throws {
        try await withHTTPServer(double.service, body)
    }

    static let get = "GET /v1/services/homepage/entities/c1 HTTP/1.1\r\nHost: a\r\n\r\n"
    static let post = body(#"{"service":"homepage","keys":["c1"]}"#)
    static let head = "HEAD /v1/services/homepage/entities/c1 HTTP/1.1\r\nHost: a\r\n\r\n"
    static func body(_ text: String) -> String {
        "POST /v1/lookup HTTP/1.1\r\nHost: a\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)"
    }
    static let chunked =
        "POST /v1/lookup HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n24\r\n{\"service\":\"homepage\",\"keys\":[\"c1\"]}\r\n0\r\n\r\n"

    @Test func theSameAnswerEitherWay() async throws {
        try await withServer { port in
            let client = try Client(port)
            let direct = try client.ask(Self.get)
            #expect(direct.status == 200 && direct.fields["content-type"] == "application/json" && direct.fields["date"]?.hasSuffix(" GMT") == true)
            #expect(try client.ask(Self.post).body == direct.body)
            // From here on Hummingbird answers on this connection.
            let through = try client.ask(Self.chunked)
            #expect(through.body == direct.body && Set(through.fields.keys) == Set(direct.fields.keys))
            #expect(try client.ask(Self.get).body == direct.body)
        }
    }

    @Test(arguments: [
        "/v1/services/homepage", "/v1/services", "/v1/shards", "/healthz", "/readyz", "/openapi.yaml", "/v1/services/homepage/entities/a%2Fb",
        "/v1/services/homepage/entities/c1?as_of=1767225600000000", "/v1/services/homepag/entities/c1", "/v1/services/homepage/entities/",
        "/v1/services/homepage/entities/elsewhere", "/v1/services/homepage/entities/a/b", "/v1/services/homepage/entities/%zz", "/v1/nothing", "/",
        "/v1/lookup", "/v1/services/homepage/entities/c1?asof=1", "/v1/services//entities/c1", "/v1/services/homepage/entities/c1#x",
    ])
    func everyPathEitherWay(_ path: String) async throws {
        let double = LookupDouble()
        double.state.withLock { $0.unavailable = ["elsewhere"] }
        try await withServer(double) { port in
            let request = "GET \(path) HTTP/1.1\r\nHost: a\r\n"
            let direct = try Client(port).ask(request + "\r\n")
            let through = try Client(port).ask(request + "Connection: close\r\n\r\n")
            #expect(direct.status == through.status && direct.body == through.body)
            var fields = direct.fields, others = through.fields
            fields["date"] = nil
            others["date"] = nil
            others["connection"] = nil
            #expect(fields == others)
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        try await withServer { port in
            let keys = (0..<300).map { "k\($0)" }
            let client = try Client(port)
            // Direct ones, then one that changes the way, then some that Hummingbird answers.
            let requests = keys.map { "GET /v1/services/homepage/entities/\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }
            try client.send(requests[..<200].joined() + Self.chunked + requests[200...].joined())
            for (index, key) in (Array(keys[..<200]) + ["c1"] + keys[200...]).enumerated() {
                let answer = try client.receive()
                #expect(answer.status == 200 && answer.body.contains("{\"key\":\"\(key)\","), "answer \(index)")
            }
        }
    }

    /// More answers than the socket takes, so that some go straight to it, some by way of NIO, and again; then Hummingbird's.
    @Test func answersThatAreReadLateComeInOrder() async throws {
        try await withServer { port in
            let count = 30_000
            let client = try Client(port)
            let sender = Thread { [client = Unchecked(client)] in
                for start in stride(from: 0, to: count, by: 500) {
                    let requests = (start..<start + 500).map { "GET /v1/services/homepage/entities/k\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }
                    guard (try? client.value.send(requests.joined())) != nil else { return }
                }
                try? client.value.send(Self.chunked + Self.get)
            }
            sender.start()
            usleep(300_000)
            var answered = 0
            for index in 0..<count {
                if index % 5_000 == 0 { usleep(50_000) }
                let answer = try client.receive()
                if answer.status == 429 { continue }  // It waited for too long, which is said in its turn.
                answered += 1
                guard answer.status == 200, answer.body.contains("{\"key\":\"k\(index)\",") else {
                    Issue.record("answer \(index): \(answer.status) \(answer.body.prefix(200))")
                    return
                }
            }
            #expect(answered > count / 4)
            for _ in 0..<2 { #expect(try client.receive().body.contains("{\"key\":\"c1\",")) }
        }
    }

    @Test func requestsMayComeByteByByte() async throws {
        try await withServer { port in
            let client = try Client(port)
            let expected = try client.ask(Self.get).body
            for byte in (Self.get + Self.post + Self.get).utf8 {
                try client.send([byte])
                if byte == UInt8(ascii: "\n") { usleep(500) }
            }
            for _ in 0..<3 { #expect(try client.receive().body == expected) }
            // Cut everywhere.
            let bytes = Array((Self.post + Self.get).utf8)
            for cut in 1..<bytes.count {
                try client.send(Array(bytes[..<cut]))
                usleep(200)
                try client.send(Array(bytes[cut...]))
                for _ in 0..<2 { #expect(try client.receive().body == expected, "cut at \(cut)") }
            }
        }
    }

    @Test func headHasNoBodyAndMalformedIsRefused() async throws {
        try await withServer { port in
            let client = try Client(port)
            try client.send(Self.head + Self.get)
            #expect(try client.receive(hasBody: false).fields["content-length"] != nil)
            #expect(try client.receive().status == 200)
            for bad in ["GET /\u{1} HTTP/1.1\r\nHost: a\r\n\r\n", "nonsense\r\n\r\n", "GET / HTTP/1.1\r\nHost : a\r\n\r\n"] {
                #expect(try Client(port).ask(bad).status == 400, "\(bad)")
            }
        }
    }

    @Test func aLargeBatchLeavesTheDirectPath() async throws {
        try await withServer(LookupDouble(maxKeys: 500)) { port in
            let keys = (0..<400).map { "\"key-number-\($0)\"" }.joined(separator: ",")
            let answer = try Client(port).ask(Self.body("{\"service\":\"homepage\",\"keys\":[\(keys)]}"))
            #expect(answer.status == 200 && answer.body.contains("key-number-399"))
        }
    }

    /// A client that asks and asks and never reads: the server stops reading, and goes on when the client reads at last.
    @Test func aClientThatDoesNotReadIsNotReadFrom() async throws {
        try await withServer { port in
            let client = try Client(port)
            let burst = Array(String(repeating: Self.get, count: 200).utf8)
            var sent = 0
            while sent < 64 << 20, try client.sendIfPossible(burst) { sent += burst.count }
            #expect(sent < 64 << 20, "the server took \(sent) bytes of requests without an answer being read")
            for _ in 0..<1000 { #expect(try client.receive().status == 200) }
        }
    }
}
