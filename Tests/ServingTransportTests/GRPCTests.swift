import FeatureStore
import Serving
import ServingGRPC
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct GRPCTests {
    private func call(
        _ method: String, service: String = "millrace.serving.v1.FeatureService", _ message: [UInt8], double: LookupDouble = LookupDouble()
    ) async throws -> HTTP2Client.Answer {
        try await withGRPCServer(double.service) { try HTTP2Client($0).call(method, message, service: service) }
    }

    @Test func answersAsTheProtoSays() async throws {
        // service = "homepage", keys = ["c1", "no"], as_of_us = 1767225600000000
        let request = Wire.string(1, "homepage") + Wire.string(3, "c1") + Wire.string(3, "no") + Wire.varint(4, LookupDouble.now)
        let answer = try Wire.decode(try await call("Lookup", request).message)
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

    /// Calls that name a service and one key are read in place and answered in one step; the same calls in another form are not.
    @Test(arguments: ["c1", "no", "größe", "", String(repeating: "k", count: 600)])
    func directAnswersAreThoseOfTheUsualWay(_ key: String) async throws {
        let request = Wire.string(1, "homepage") + Wire.string(3, key)
        let direct = try await call("Lookup", request), usual = try await call("Lookup", request + Wire.varint(99, 7))
        #expect(direct.message == usual.message && direct.grpcStatus == usual.grpcStatus)
        #expect(direct.fields == usual.fields)
        #expect((direct.grpcStatus == 0) == (1...100 ~= key.utf8.count))
    }

    @Test func listsServices() async throws {
        let answer = try Wire.decode(try await call("ListServices", []).message)
        let service = try #require(try answer[1]?.first?.message)
        #expect(service[1] == [.bytes(Array("homepage".utf8))])
        #expect(service[5]?.count == 4)
        #expect(service[6] == [.number(5_000_000)])
    }

    @Test func skipsUnknownFields() async throws {
        let unknown = Wire.varint(99, 7) + Wire.string(100, "x") + [0xa1, 0x06] + Array(repeating: 1, count: 8) + [0xa5, 0x06, 1, 2, 3, 4]
        #expect(try await call("Lookup", unknown + Wire.string(1, "homepage") + Wire.string(3, "c1")).grpcStatus == 0)
    }

    @Test(arguments: [
        (Wire.string(1, "nope") + Wire.string(3, "c1"), 5, "unknown-service"),
        (Wire.string(2, "nope") + Wire.string(3, "c1"), 5, "unknown-feature"),
        (Wire.string(3, "c1"), 3, "bad-request"),
        (Wire.string(1, "homepage") + Wire.string(2, "clicks_5m") + Wire.string(3, "c1"), 3, "bad-request"),
        (Wire.string(1, "homepage"), 3, "bad-request"),
        (Wire.string(1, "homepage") + Wire.string(3, ""), 3, "bad-key"),
        (Wire.string(1, "homepage") + (0..<9).flatMap { Wire.string(3, "k\($0)") }, 3, "too-many-keys"),
        (Wire.string(1, "homepage") + Wire.string(3, "c1") + Wire.varint(4, -1), 3, "bad-request"),
        (Wire.string(1, "homepage") + Wire.string(3, "elsewhere"), 14, "shard-unavailable"),
        ([0x0a, 0x05, 0x61], 3, "bad-request"),
        ([0x0a, 0x02, 0xff, 0xfe], 3, "bad-request"),
        ([0x0b], 3, "bad-request"),
        ([0x00, 0x00], 3, "bad-request"),
        (Array(repeating: 0xff, count: 20), 3, "bad-request"),
        ([0x0a] + Array(repeating: 0xff, count: 9) + [0x01], 3, "bad-request"),
    ])
    func refusesWithAStatus(_ request: [UInt8], _ code: Int, _ slug: String) async throws {
        let double = LookupDouble()
        double.state.withLock { $0.unavailable = ["elsewhere"] }
        let answer = try await call("Lookup", request, double: double)
        #expect(answer.status == "200" && answer.data.isEmpty && answer.trailers == nil)
        #expect(answer.grpcStatus == code)
        #expect(answer.field("grpc-message")?.isEmpty == false)
        #expect(answer.field("millrace-problem") == slug)
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
        try await withGRPCServer(LookupDouble().service) { port in
            let client = try HTTP2Client(port)
            for message in messages {
                let answer = try client.call("Lookup", message)
                #expect([0, 3, 5].contains(answer.grpcStatus), "\(message): \(answer)")
            }
        }
    }

    @Test func healthFollowsReadiness() async throws {
        let health = "grpc.health.v1.Health"
        #expect(try await call("Check", service: health, []).message == [0x08, 1])
        let double = LookupDouble()
        double.state.withLock { $0.assigned = false }
        #expect(try await call("Check", service: health, Wire.string(1, "millrace.serving.v1.FeatureService"), double: double).message == [0x08, 2])
        #expect(try await call("Check", service: health, Wire.string(1, "other")).grpcStatus == 5)
    }

    @Test func healthIsWatchedUntilTheServerEnds() async throws {
        let double = LookupDouble()
        double.state.withLock { $0.assigned = false }
        let last = try await withServer({ GRPCServer(service: double.service, host: "127.0.0.1", port: 0, onListening: $0) }) { port in
            let client = try HTTP2Client(port)
            _ = try client.begin(HTTP2Client.head("/grpc.health.v1.Health/Watch"), body: HTTP2Client.message([]))
            #expect(try client.next(HTTP2Client.Frame.headers).map { try client.fields($0)[":status"] } == "200")
            #expect(try client.next(HTTP2Client.Frame.data)?.payload == HTTP2Client.message([0x08, 2]))
            double.state.withLock { $0.assigned = true }
            #expect(try client.next(HTTP2Client.Frame.data)?.payload == HTTP2Client.message([0x08, 1]))
            return Unchecked(client)
        }
        #expect(try last.value.next(HTTP2Client.Frame.headers).map { try last.value.fields($0)["grpc-status"] } == "14")
        try await withGRPCServer(double.service) { port in
            let client = try HTTP2Client(port)
            _ = try client.begin(HTTP2Client.head("/grpc.health.v1.Health/Watch"), body: HTTP2Client.message(Wire.string(1, "other")))
            #expect(try client.next(HTTP2Client.Frame.data)?.payload == HTTP2Client.message([0x08, 3]))
        }
    }

    @Test func whatIsNoCallHasAStatusToo() async throws {
        try await withGRPCServer(LookupDouble().service) { port in
            let client = try HTTP2Client(port)
            let good = Wire.string(1, "homepage") + Wire.string(3, "c1")
            let lookup = "/millrace.serving.v1.FeatureService/Lookup"
            func status(_ fields: [(String, String)], _ body: [UInt8]?) throws -> Int? { try client.ask(fields, body: body).grpcStatus }
            #expect(try status(HTTP2Client.head("/millrace.serving.v1.FeatureService/Nothing"), HTTP2Client.message(good)) == 12)
            #expect(try status(HTTP2Client.head("/"), HTTP2Client.message(good)) == 12)
            #expect(try status(HTTP2Client.head(lookup), nil) == 12)
            #expect(try status(HTTP2Client.head(lookup), []) == 12)
            #expect(try status(HTTP2Client.head(lookup), [0, 0, 0]) == 12)
            #expect(try status(HTTP2Client.head(lookup), HTTP2Client.message(good) + [0]) == 12)
            #expect(try status(HTTP2Client.head(lookup), HTTP2Client.message(good) + HTTP2Client.message(good)) == 12)
            let compressed = try client.ask(HTTP2Client.head(lookup, [("grpc-encoding", "gzip")]), body: [1] + HTTP2Client.message(good).dropFirst())
            #expect(compressed.grpcStatus == 12 && compressed.field("grpc-accept-encoding") == "identity")
            #expect(try status(HTTP2Client.head(lookup, [("grpc-encoding", "identity")]), HTTP2Client.message(good)) == 0)
            var json = HTTP2Client.head(lookup)
            json[4] = ("content-type", "application/json")
            #expect(try client.ask(json, body: [123, 125]).status == "415")
            #expect(try client.call("Lookup", good).grpcStatus == 0)
        }
    }

    @Test func messagesAreEscaped() async throws {
        let answer = try await call("Lookup", Wire.string(1, "50%\n€") + Wire.string(3, "c1"))
        #expect(answer.field("grpc-message")?.contains("50%25%0A%E2%82%AC") == true)
    }

    @Test func aRequestThatIsTooLargeIsRefusedAndTheConnectionGoesOn() async throws {
        try await withGRPCServer(LookupDouble().service) { port in
            let client = try HTTP2Client(port)
            let large = try client.ask(
                HTTP2Client.head("/millrace.serving.v1.FeatureService/Lookup"), body: HTTP2Client.message([UInt8](repeating: 0, count: 1 << 20 + 1)))
            #expect(large.grpcStatus == 8 && large.field("millrace-problem") == "body-too-large")
            let announced = try client.ask(
                HTTP2Client.head("/millrace.serving.v1.FeatureService/Lookup", [("content-length", "2000000")]), body: [0])
            #expect(announced.grpcStatus == 8)
            #expect(try client.call("Lookup", Wire.string(1, "homepage") + Wire.string(3, "c1")).grpcStatus == 0)
        }
    }

    /// Batches leave the event loop and come back; what comes after them need not wait.
    @Test func largeAndSmallCallsTogether() async throws {
        try await withGRPCServer(LookupDouble(maxKeys: 500).service) { port in
            let client = try HTTP2Client(port)
            let large = Wire.string(1, "homepage") + (0..<400).flatMap { Wire.string(3, "key-\($0)") }
            let small = Wire.string(1, "homepage") + Wire.string(3, "c1")
            let path = HTTP2Client.head("/millrace.serving.v1.FeatureService/Lookup")
            let streams = try (0..<40).map { try client.begin(path, body: HTTP2Client.message($0 % 4 == 0 ? large : small)) }
            let answers = try client.answers(streams)
            for (index, stream) in streams.enumerated() {
                let answer = try #require(answers[stream])
                #expect(answer.grpcStatus == 0)
                #expect(try Wire.decode(answer.message)[7]?.count == (index % 4 == 0 ? 400 : 1))
            }
        }
    }

    @Test(arguments: [
        ("1S", 1_000_000_000), ("99999999n", 99_999_999), ("5u", 5_000), ("20m", 20_000_000), ("0m", 0), ("2H", 7_200_000_000_000),
        ("123456789m", nil), ("m", nil), ("5", nil), ("-5m", nil), ("5x", nil), ("", nil), ("1M", 60_000_000_000),
    ])
    func readsTimeouts(_ text: String, _ nanoseconds: Int64?) { #expect(GRPCTimeout.nanoseconds(text) == nanoseconds) }
}

/// Carries what is used by one thread after another.
struct Unchecked<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
