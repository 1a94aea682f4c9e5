import FeatureStore
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Serving
import ServingGRPC
import TestSupport
import Testing

@Suite struct GRPCTests {
    /// Runs the real server on a free loopback port and calls it with a real client.
    private func call(
        _ method: String, service: String = "millrace.serving.v1.FeatureService", _ message: [UInt8], double: LookupDouble = LookupDouble()
    ) async throws -> [UInt8] {
        try await calls(double) { client in try await client(service, method, message) }
    }

    private typealias Call = @Sendable (_ service: String, _ method: String, _ message: [UInt8]) async throws -> [UInt8]

    private func calls<Value: Sendable>(
        _ double: LookupDouble, _ body: @Sendable (Call) async throws -> Value
    ) async throws -> Value {
        let (ports, report) = AsyncStream.makeStream(of: Int.self)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await ServingGRPC.GRPCServer(service: double.service, host: "127.0.0.1", port: 0) { report.yield($0) }.run()
            }
            defer { group.cancelAll() }
            let port = try #require(await ports.first { _ in true })
            let transport = try HTTP2ClientTransport.Posix(target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .plaintext)
            return try await withGRPCClient(transport: transport) { client in
                try await body { service, method, message in
                    try await client.unary(
                        request: ClientRequest(message: message),
                        descriptor: MethodDescriptor(fullyQualifiedService: service, method: method),
                        serializer: Raw(), deserializer: Raw(), options: .defaults
                    ) { try $0.message }
                }
            }
        }
    }

    @Test func answersAsTheProtoSays() async throws {
        // service = "homepage", keys = ["c1", "no"], as_of_us = 1767225600000000
        let request = Wire.string(1, "homepage") + Wire.string(3, "c1") + Wire.string(3, "no") + Wire.varint(4, LookupDouble.now)
        let answer = try Wire.decode(try await call("Lookup", request))
        #expect(answer[1] == [.bytes(Array("homepage".utf8))])
        #expect(answer[2] == [.number(2)])
        #expect(answer[3] == [.bytes(Array("customer".utf8))])
        #expect(answer[4] == [.number(UInt64(LookupDouble.now))])
        #expect(answer[5] == [.number(12_500)])
        #expect(answer[6] == LookupDouble.features.map { .bytes(Array($0.utf8)) })
        let vectors = try (answer[7] ?? []).map { try $0.message }
        #expect(vectors.count == 2)
        #expect(vectors[0][1] == [.bytes(Array("c1".utf8))])
        #expect(vectors[0][2] == [.number(1)])
        #expect(vectors[1][2] == nil)
        let values = try (vectors[0][3] ?? []).map { try $0.message }
        #expect(values.map { $0[2] } == [[.number(1)], [.number(1)], [.number(3)], [.number(1)]])
        #expect(try values[0][1]?.first?.message == [2: [.number(5)]])
        #expect(try values[1][1]?.first?.message[5]?.first?.message == [1: [.bytes(Array("12.34".utf8))]])
        #expect(try values[2][1]?.first?.message == [4: [.bytes(Array("sho\"es".utf8))]])
        let entry = try values[3][1]?.first?.message[7]?.first?.message[1]?.first?.message
        #expect(entry?[1] == [.bytes(Array("a".utf8))])
        #expect(try entry?[2]?.first?.message == [2: [.number(1)]])
        #expect(values[0][3] == [.number(UInt64(LookupDouble.now - 1_000_000))])
        #expect(values[3][3] == nil)
        let missing = try (vectors[1][3] ?? []).map { try $0.message }
        #expect(missing[1] == [2: [.number(2)]])
        let positions = try (answer[8] ?? []).map { try $0.message }
        #expect(positions[0] == [1: [.bytes(Array("clicks".utf8))], 3: [.number(12)], 4: [.number(14)]])
        #expect(positions[1][4] == nil)
    }

    @Test func listsServices() async throws {
        let answer = try Wire.decode(try await call("ListServices", []))
        let service = try #require(try answer[1]?.first?.message)
        #expect(service[1] == [.bytes(Array("homepage".utf8))])
        #expect(service[5]?.count == 4)
        #expect(service[6] == [.number(5_000_000)])
    }

    @Test func skipsUnknownFields() async throws {
        let unknown = Wire.varint(99, 7) + Wire.string(100, "x") + [0xa1, 0x06] + Array(repeating: 1, count: 8) + [0xa5, 0x06, 1, 2, 3, 4]
        _ = try await call("Lookup", unknown + Wire.string(1, "homepage") + Wire.string(3, "c1"))
    }

    @Test(arguments: [
        (Wire.string(1, "nope") + Wire.string(3, "c1"), RPCError.Code.notFound, "unknown-service"),
        (Wire.string(2, "nope") + Wire.string(3, "c1"), .notFound, "unknown-feature"),
        (Wire.string(3, "c1"), .invalidArgument, "bad-request"),
        (Wire.string(1, "homepage") + Wire.string(2, "clicks_5m") + Wire.string(3, "c1"), .invalidArgument, "bad-request"),
        (Wire.string(1, "homepage"), .invalidArgument, "bad-request"),
        (Wire.string(1, "homepage") + Wire.string(3, ""), .invalidArgument, "bad-key"),
        (Wire.string(1, "homepage") + (0..<9).flatMap { Wire.string(3, "k\($0)") }, .invalidArgument, "too-many-keys"),
        (Wire.string(1, "homepage") + Wire.string(3, "c1") + Wire.varint(4, -1), .invalidArgument, "bad-request"),
        (Wire.string(1, "homepage") + Wire.string(3, "elsewhere"), .unavailable, "shard-unavailable"),
        ([0x0a, 0x05, 0x61], .invalidArgument, "bad-request"),
        ([0x0a, 0x02, 0xff, 0xfe], .invalidArgument, "bad-request"),
        ([0x0b], .invalidArgument, "bad-request"),
        ([0x00, 0x00], .invalidArgument, "bad-request"),
        (Array(repeating: 0xff, count: 20), .invalidArgument, "bad-request"),
        ([0x0a] + Array(repeating: 0xff, count: 9) + [0x01], .invalidArgument, "bad-request"),
    ])
    func refusesWithAStatus(_ request: [UInt8], _ code: RPCError.Code, _ slug: String) async throws {
        let double = LookupDouble()
        double.state.withLock { $0.unavailable = ["elsewhere"] }
        let error = await #expect(throws: RPCError.self) { try await call("Lookup", request, double: double) }
        #expect(error?.code == code)
        #expect(error?.message.isEmpty == false)
        #expect(error?.metadata.contains { $0.key == "millrace-problem" && $0.value == .string(slug) } == true)
    }

    /// Every prefix and many one-byte changes of a good request are answered or refused with INVALID_ARGUMENT or NOT_FOUND.
    @Test func survivesBrokenMessages() async throws {
        let good = Wire.string(1, "homepage") + Wire.string(3, "c1") + Wire.varint(4, 17) + Wire.varint(5, 5_000_000)
        var broken = (0..<good.count).map { Array(good[..<$0]) }
        for index in good.indices {
            for byte in [0, 1, 0x7f, 0x80, 0xff] as [UInt8] {
                var message = good
                message[index] = byte
                broken.append(message)
            }
        }
        let messages = broken
        try await calls(LookupDouble()) { client in
            for message in messages {
                do {
                    _ = try await client("millrace.serving.v1.FeatureService", "Lookup", message)
                } catch let error as RPCError {
                    #expect([.invalidArgument, .notFound].contains(error.code), "\(message): \(error)")
                }
            }
        }
    }

    @Test func healthFollowsReadiness() async throws {
        let health = "grpc.health.v1.Health"
        #expect(try await call("Check", service: health, []) == [0x08, 1])
        let double = LookupDouble()
        double.state.withLock { $0.assigned = false }
        #expect(try await call("Check", service: health, Wire.string(1, "millrace.serving.v1.FeatureService"), double: double) == [0x08, 2])
        let unknown = await #expect(throws: RPCError.self) { try await call("Check", service: health, Wire.string(1, "other")) }
        #expect(unknown?.code == .notFound)
        let watch = await #expect(throws: RPCError.self) { try await call("Watch", service: health, []) }
        #expect(watch?.code == .unimplemented)
    }
}
