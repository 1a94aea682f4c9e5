import FeatureStore
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HummingbirdTesting
import Logging
import Serving
import ServiceLifecycle
import ServingGRPC
import ServingHTTP
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
            ports: ports, server: { ServingGRPC.GRPCServer(service: $0, host: "127.0.0.1", port: 0) { report.yield($0) } }
        ) { port in
            let transport = try HTTP2ClientTransport.Posix(target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .plaintext)
            let answer = try await withGRPCClient(transport: transport) { client in
                try await client.unary(
                    request: ClientRequest(message: Wire.string(1, "homepage") + Wire.string(3, "c1")),
                    descriptor: MethodDescriptor(fullyQualifiedService: "millrace.serving.v1.FeatureService", method: "Lookup"),
                    serializer: Raw(), deserializer: Raw(), options: .defaults
                ) { try $0.message }
            }
            #expect(!answer.isEmpty)
        }
    }

    /// Starts a server, sends `request`, holds its lookup, asks the server to stop, lets the lookup go on: both must end well.
    private func shutDownDuringALookup(
        ports: AsyncStream<Int>, server: (LookupService) -> any Service, request: @escaping @Sendable (_ port: Int) async throws -> Void
    ) async throws {
        let began = DispatchSemaphore(value: 0)
        let release = DispatchSemaphore(value: 0)
        var source = LookupDouble().source
        let inner = source.lookup
        source.lookup = { (plan, key, asOf, maxStaleness) throws(LookupError) in
            began.signal()
            release.wait()
            return try inner(plan, key, asOf, maxStaleness)
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
