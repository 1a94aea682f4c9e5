import FeatureStore
import Foundation
import HummingbirdTesting
import Logging
import Serving
import ServiceLifecycle
import ServingHTTP
import Synchronization
import Testing

@Suite struct GracefulShutdownTests {
    @Test(.timeLimit(.minutes(1))) func finishesTheRequestThatItHasBegun() async throws {
        let began = DispatchSemaphore(value: 0)
        let release = DispatchSemaphore(value: 0)
        var source = LookupDouble().source
        let inner = source.lookup
        source.lookup = { (plan, key, asOf, maxStaleness) throws(LookupError) in
            began.signal()
            release.wait()
            return try inner(plan, key, asOf, maxStaleness)
        }
        let (ports, report) = AsyncStream.makeStream(of: Int.self)
        let server = HTTPServer(service: LookupService(source: source), host: "127.0.0.1", port: 0) { report.yield($0) }
        let group = ServiceGroup(configuration: .init(services: [server], logger: Logger(label: "test")))
        let running = Task { try await group.run() }
        let port = try #require(await ports.first { _ in true })
        let status = Task {
            try await TestClient.withClient(host: "127.0.0.1", port: port) {
                try await $0.get("/v1/services/homepage/entities/c1").status.code
            }
        }
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                began.wait()
                continuation.resume()
            }
        }
        await group.triggerGracefulShutdown()
        // New connections are refused while the old request is still open.
        try await Task.sleep(for: .milliseconds(200))
        release.signal()
        #expect(try await status.value == 200)
        try await running.value
    }
}
