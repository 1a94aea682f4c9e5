import Foundation
import Logging
import Serving
import ServiceLifecycle
import ServingGRPC
import ServingHTTP

/// Runs a server on a free port of this machine, and `body`, which may block, on a thread of its own.
func withServer<Value: Sendable>(
    _ make: (_ report: @escaping @Sendable (Int) async -> Void) -> any Service, _ body: @escaping @Sendable (_ port: Int) throws -> Value
) async throws -> Value {
    let (ports, report) = AsyncStream.makeStream(of: Int.self)
    let group = ServiceGroup(configuration: .init(services: [make { report.yield($0) }], logger: Logger(label: "test")))
    let running = Task { try await group.run() }
    guard let port = await ports.first(where: { _ in true }) else { fatalError("no port") }
    let result = await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: Result { try body(port) }) }
    }
    await group.triggerGracefulShutdown()
    try await running.value
    return try result.get()
}

func withGRPCServer<Value: Sendable>(_ service: LookupService, _ body: @escaping @Sendable (_ port: Int) throws -> Value) async throws -> Value {
    try await withServer({ GRPCServer(service: service, host: "127.0.0.1", port: 0, onListening: $0) }, body)
}

func withHTTPServer<Value: Sendable>(_ service: LookupService, _ body: @escaping @Sendable (_ port: Int) throws -> Value) async throws -> Value {
    try await withServer({ HTTPServer(service: service, host: "127.0.0.1", port: 0, onListening: $0) }, body)
}
