import Serving
import ServingGRPC
import ServingHTTP
import ServingTransport
import TestSupport
import Testing

/// HTTP/2 on the HTTP port, and JSON on the gRPC port.
@Suite(.timeLimit(.minutes(1))) struct HTTP2PortTests {
    private static func get(_ path: String, _ method: String = "GET") -> [(String, String)] {
        [(":method", method), (":scheme", "http"), (":path", path), (":authority", "test")]
    }

    private func withBoth(_ body: @escaping @Sendable (_ port: Int) throws -> Void) async throws {
        let transport = Transport(service: LookupDouble(maxKeys: 500).service)
        let http2 = GRPCResponder(transport: transport, others: JSONResponder(transport: transport))
        try await withServer({ HTTPServer(transport: transport, http2: http2, host: "127.0.0.1", port: 0, onListening: $0) }, body)
        try await withServer({ GRPCServer(transport: transport, responder: http2, host: "127.0.0.1", port: 0, onListening: $0) }, body)
    }

    @Test func bothPortsAnswerBoth() async throws {
        let expected = try LookupDouble().service.lookup(.init(.service("homepage"), keys: ["c1"])).get().json().text
        try await withBoth { port in
            let client = try HTTP2Client(port)
            let answer = try client.ask(Self.get("/v1/services/homepage/entities/c1"))
            #expect(answer.fields["date"]?.hasSuffix(" GMT") == true)
            #expect(answer.status == "200" && answer.fields["content-type"] == "application/json" && answer.data.text == expected)
            #expect(try client.call("Lookup", Wire.string(1, "homepage") + Wire.string(3, "c1")).grpcStatus == 0)
            let posted = try client.ask(Self.get("/v1/lookup", "POST"), body: Array("{\"service\":\"homepage\",\"keys\":[\"c1\"]}".utf8))
            #expect(posted.data.text == expected)
            let keys = (0..<300).map { "\"k\($0)\"" }.joined(separator: ",")
            let batch = try client.ask(Self.get("/v1/lookup", "POST"), body: Array("{\"service\":\"homepage\",\"keys\":[\(keys)]}".utf8))
            #expect(batch.status == "200" && batch.data.text.contains("\"k299\"") && batch.fields["content-length"] == "\(batch.data.count)")
            let head = try client.ask(Self.get("/v1/services/homepage/entities/c1", "HEAD"))
            #expect(head.status == "200" && head.data.isEmpty && head.fields["content-length"] == "\(expected.utf8.count)")
            let missing = try client.ask(Self.get("/v1/nothing"))
            #expect(missing.status == "404" && missing.fields["content-type"] == "application/problem+json")
            #expect(try client.ask(Self.get("/v1/lookup")).fields["allow"] == "POST")
            #expect(try client.ask(Self.get("/healthz")).status == "200")
            let large = try client.ask(Self.get("/v1/lookup", "POST"), body: [UInt8](repeating: 32, count: 1 << 20 + 10))
            #expect(large.status == "413")
        }
    }

    /// The preface may come in pieces, behind nothing else.
    @Test func thePrefaceMayBeCut() async throws {
        try await withBoth { port in
            let socket = try RawSocket(port)
            for byte in HTTP2Client.preface + HTTP2Client.frame(4) { try socket.send([byte]) }
            // SETTINGS of the server.
            #expect(try socket.receive().dropFirst(3).first == 4)
        }
    }
}
