import FeatureStore
import Foundation
import HummingbirdTesting
import Logging
import Serving
import ServiceLifecycle
import ServingGRPC
import ServingHTTP
import Synchronization
import TestSupport
import Testing

@Suite struct GracefulShutdownTests {
    @Test(.timeLimit(.minutes(1))) func httpFinishesTheRequestThatItHasBegun() async throws {
        let (ports, report) = AsyncStream.makeStream(of: Int.self)
        try await shutDownDuringALookup(
            ports: ports, server: { HTTPServer(service: $0, host: "127.0.0.1", port: 0) { report.yield($0) } }
        ) { port in
            let status = try await TestClient.withClient(host: "127.0.0.1", port: port) {
                try await $0.get("/v1/services/homepage/entities/c1").status.code
            }
            #expect(status == 200)
        }
    }

    @Test(.timeLimit(.minutes(1))) func grpcFinishesTheCallThatItHasBegun() async throws {
        let (ports, report) = AsyncStream.makeStream(of: Int.self)
        try await shutDownDuringALookup(
            ports: ports, server: { GRPCServer(service: $0, host: "127.0.0.1", port: 0) { report.yield($0) } }
        ) { port in
            let answer = try await blocking {
                let client = try HTTP2Client(port)
                let answer = try client.call("Lookup", Wire.string(1, "homepage") + Wire.string(3, "c1"))
                // The server closes the connection, which it has announced.
                #expect(try client.next(HTTP2Client.Frame.goAway) != nil)
                while try client.nextFrame() != nil {}
                return answer
            }
            #expect(answer.grpcStatus == 0)
        }
    }

    /// A batch is on a thread of the pool when the server is told to stop.
    @Test(.timeLimit(.minutes(1)), arguments: [1, 20]) func httpFinishesABatch(_ keys: Int) async throws {
        let (ports, report) = AsyncStream.makeStream(of: Int.self)
        let body = "{\"service\":\"homepage\",\"keys\":[\((0..<keys).map { "\"k\($0)\"" }.joined(separator: ","))]}"
        try await shutDownDuringALookup(
            ports: ports, server: { HTTPServer(service: $0, host: "127.0.0.1", port: 0) { report.yield($0) } }
        ) { port in
            let bytes = try await blocking {
                let socket = try RawSocket(port)
                try socket.send(Array("POST /v1/lookup HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8))
                return try socket.receive()
            }
            #expect(String(decoding: bytes, as: UTF8.self).hasPrefix("HTTP/1.1 200"))
        }
    }

    private func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
        }
    }

    /// Starts a server, sends `request`, holds its lookup, asks the server to stop, lets the lookup go on: both must end well.
    private func shutDownDuringALookup(
        ports: AsyncStream<Int>, server: (LookupService) -> any Service, request: @escaping @Sendable (_ port: Int) async throws -> Void
    ) async throws {
        let began = DispatchSemaphore(value: 0)
        let release = DispatchSemaphore(value: 0)
        let isHeld = Atomic(false)
        var source = LookupDouble(maxKeys: 100).source
        let inner = source.lookup
        source.lookup = { (plan, key, asOf, maxStaleness, vector) throws(LookupError) in
            if !isHeld.exchange(true, ordering: .relaxed) {
                began.signal()
                release.wait()
            }
            try inner(plan, key, asOf, maxStaleness, &vector)
        }
        let group = ServiceGroup(
            configuration: .init(services: [server(LookupService(source: source))], logger: Logger(label: "test")))
        let running = Task { try await group.run() }
        let port = try #require(await ports.first { _ in true })
        let asking = Task { try await request(port) }
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                began.wait()
                continuation.resume()
            }
        }
        await group.triggerGracefulShutdown()
        try await Task.sleep(for: .milliseconds(100))
        release.signal()
        try await asking.value
        try await running.value
    }
}
