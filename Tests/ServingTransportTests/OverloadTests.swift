import FeatureStore
import Foundation
import Serving
import ServingTransport
import Synchronization
import TestSupport
import Testing

/// What happens when there is too much to do, and to clients that keep the server waiting.
@Suite(.timeLimit(.minutes(2))) struct OverloadTests {
    private func service(_ change: (inout ServerSettings) -> Void, maxKeys: Int = 100, lookup: (@Sendable (_ key: String) -> Void)? = nil) -> LookupService {
        var source = LookupDouble(maxKeys: maxKeys).source
        var definitions = source.definitions
        change(&definitions.server)
        let inner = source.lookup
        source = LookupSource(
            definitions: definitions, planService: source.planService, planFeatures: source.planFeatures,
            lookup: { (plan, key, asOf, maxStaleness, vector) throws(LookupError) in
                lookup?(String(decoding: key, as: UTF8.self))
                try inner(plan, key, asOf, maxStaleness, &vector)
            }, explain: source.explain, shardStatuses: source.shardStatuses, isAssigned: source.isAssigned, now: source.now)
        return LookupService(source: source)
    }

    /// Batches' lookups, whose keys begin with k, take until they are released.
    private final class HeldBatches: Sendable {
        private let isHeld = Atomic(true)
        private let began = DispatchSemaphore(value: 0)

        @Sendable func hold(_ key: String) {
            guard key.hasPrefix("k"), isHeld.load(ordering: .relaxed) else { return }
            began.signal()
            while isHeld.load(ordering: .relaxed) { usleep(1_000) }
        }
        func waitForOne() { began.wait() }
        func release() { isHeld.store(false, ordering: .relaxed) }
    }

    private static let get = Array("GET /v1/services/homepage/entities/c1 HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
    private static func post(_ keys: Int, _ fields: String = "") -> [UInt8] {
        let body = "{\"service\":\"homepage\",\"keys\":[\((0..<keys).map { "\"k\($0)\"" }.joined(separator: ","))]}"
        return Array("POST /v1/lookup HTTP/1.1\r\nHost: a\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
    }
    private static func keys(_ count: Int) -> [UInt8] { Wire.string(1, "homepage") + (0..<count).flatMap { Wire.string(3, "k\($0)") } }

    /// The heads of so many answers.
    private static func heads(_ socket: RawSocket, _ count: Int) throws -> [String] {
        var text = ""
        while text.components(separatedBy: "HTTP/1.1 ").count <= count || !text.hasSuffix("}") {
            let more = try socket.receive()
            if more.isEmpty { break }
            text += String(decoding: more, as: UTF8.self)
        }
        return text.components(separatedBy: "HTTP/1.1 ").dropFirst().map { String($0) }
    }

    /// Requests that come in one read are read in one turn: those that wait too long in it are refused, and cost nothing.
    @Test func lateRequestsAreRefused() async throws {
        let asked = Atomic(0)
        // Long enough that a busy machine does not make the first one late.
        let service = service({ $0.maxWait = 300_000 }) { _ in
            asked.wrappingAdd(1, ordering: .relaxed)
            usleep(30_000)
        }
        try await withHTTPServer(service) { port in
            let socket = try RawSocket(port)
            try socket.send(Array((0..<50).map { _ in Self.get }.joined()) + Array("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
            let heads = try Self.heads(socket, 51)
            // The first read may take only part of them, and the rest begins another turn.
            let refused = heads[..<50].filter { !$0.hasPrefix("200") }
            #expect(refused.count >= 20)
            #expect(refused.allSatisfy { $0.hasPrefix("429 ") && $0.contains("Retry-After: 1\r\n") && $0.contains("urn:millrace:problem:overloaded") })
            // How the server is can be asked at any time.
            #expect(heads[50].hasPrefix("200"))
            // The next turn begins anew.
            try socket.send(Self.get)
            #expect(try Self.heads(socket, 1)[0].hasPrefix("200"))
        }
        #expect(asked.load(ordering: .relaxed) <= 31)
        #expect(prometheusText(service.metricFamilies()).contains("millrace_requests_refused_total{reason=\"late\"} "))
    }

    @Test func lateCallsAreRefused() async throws {
        let service = service({ $0.maxWait = 300_000 }) { _ in usleep(30_000) }
        try await withGRPCServer(service) { port in
            let client = try HTTP2Client(port)
            let streams = try client.beginAll((0..<50).map { _ in (HTTP2Client.head("/millrace.serving.v1.FeatureService/Lookup"), Self.keys(1)) })
            let answers = try client.answers(streams)
            let codes = streams.map { answers[$0]?.grpcStatus }
            #expect(codes.first == 0 && codes.allSatisfy { $0 == 0 || $0 == 8 } && codes.count { $0 == 8 } >= 10)
            #expect(answers.values.allSatisfy { $0.grpcStatus == 0 || $0.field("millrace-problem") == "overloaded" })
        }
    }

    /// One thread, no queue: a second batch is refused, a small lookup is not.
    @Test func batchesAreRefusedFirst() async throws {
        let held = HeldBatches()
        let service = service({
            $0.batchThreads = 1
            $0.maxWaitingBatches = 0
        }, lookup: held.hold)
        try await withHTTPServer(service) { port in
            // Whatever fails, the pool's thread must end.
            defer { held.release() }
            let first = try RawSocket(port), second = try RawSocket(port)
            try first.send(Self.post(50))
            held.waitForOne()
            try second.send(Self.post(50))
            let refused = try Self.heads(second, 1)[0]
            #expect(refused.hasPrefix("429 ") && refused.contains("Retry-After: 1\r\n"))
            try second.send(Self.get)
            #expect(try Self.heads(second, 1)[0].hasPrefix("200"))
            held.release()
            #expect(try Self.heads(first, 1)[0].hasPrefix("200"))
        }
    }

    @Test func deadlinesAreKept() async throws {
        let held = HeldBatches()
        let service = service({
            $0.batchThreads = 1
            $0.maxWaitingBatches = 5
            $0.maxWait = 10_000_000
        }, lookup: held.hold)
        try await withHTTPServer(service) { port in
            // Whatever fails, the pool's thread must end.
            defer { held.release() }
            let first = try RawSocket(port), second = try RawSocket(port)
            try first.send(Self.post(50))
            held.waitForOne()
            try second.send(Self.post(50, "Millrace-Timeout-Ms: 20\r\n"))
            // Until it waits behind the first, or was late before it could.
            for _ in 0..<10_000 {
                let metrics = prometheusText(service.metricFamilies())
                if metrics.contains("millrace_requests_in_flight 2\n") || metrics.contains("reason=\"deadline\"} 1\n") { break }
                usleep(1_000)
            }
            usleep(50_000)
            held.release()
            let late = try Self.heads(second, 1)[0]
            #expect(late.hasPrefix("504 ") && late.contains("urn:millrace:problem:deadline-exceeded"))
            try second.send(Self.post(50, "Millrace-Timeout-Ms: 20000\r\n"))
            #expect(try Self.heads(second, 1)[0].hasPrefix("200"))
            for wrong in ["0", "-1", "x", "1.5"] {
                try second.send(Self.post(50, "Millrace-Timeout-Ms: \(wrong)\r\n"))
                #expect(try Self.heads(second, 1)[0].hasPrefix("400"))
            }
        }
        try await withGRPCServer(service) { port in
            let client = try HTTP2Client(port)
            #expect(try client.call("Lookup", Self.keys(50), [("grpc-timeout", "1n")]).grpcStatus == 4)
            #expect(try client.call("Lookup", Self.keys(50), [("grpc-timeout", "5S")]).grpcStatus == 0)
        }
    }

    @Test(arguments: ["GET /v1/services", "POST /v1/lookup HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{", "PUT /x HTTP/1.1\r\nHost: a\r\n"])
    func aClientThatDoesNotFinishItsRequestIsCutOff(_ text: String) async throws {
        let service = service { $0.clientTimeout = 1_000_000 }
        try await withHTTPServer(service) { port in
            let slow = try RawSocket(port), idle = try RawSocket(port)
            try idle.send(Self.get)
            #expect(try Self.heads(idle, 1)[0].hasPrefix("200"))
            try slow.send(Array(text.utf8))
            let begin = ContinuousClock.now
            // A byte now and then does not help.
            Thread.detachNewThread { [slow = Unchecked(slow)] in
                for _ in 0..<4 {
                    usleep(250_000)
                    try? slow.value.send([UInt8(ascii: "a")])
                }
            }
            var bytes = try slow.receive()
            while !bytes.isEmpty { bytes = try slow.receive() }
            #expect((0.9...4).contains((ContinuousClock.now - begin) / .seconds(1)))
            // Who has nothing to ask is left alone.
            try idle.send(Self.get)
            #expect(try Self.heads(idle, 1)[0].hasPrefix("200"))
        }
        #expect(prometheusText(service.metricFamilies()).contains("millrace_slow_clients_total 1"))
    }

    @Test func aClientThatDoesNotFinishItsCallIsCutOff() async throws {
        let service = service { $0.clientTimeout = 1_000_000 }
        try await withGRPCServer(service) { port in
            let client = try HTTP2Client(port)
            let stream = try client.begin(HTTP2Client.head("/millrace.serving.v1.FeatureService/Lookup"), body: [0, 0], isOver: false)
            #expect(try client.answers([stream])[stream]?.resetCode == 8)
            #expect(try client.call("Lookup", Self.keys(1)).grpcStatus == 0)
            // Half a frame, and no preface at all.
            try client.socket.send([0, 0, 9, 0])
            #expect(try client.next(HTTP2Client.Frame.data) == nil)
            #expect(try RawSocket(port).receiveAll().isEmpty == false)
        }
    }

    @Test func aClientThatDoesNotReadIsCutOff() async throws {
        let service = service { $0.clientTimeout = 1_000_000 }
        try await withHTTPServer(service) { port in
            let socket = try RawSocket(port, receiveBuffer: 4_096)
            while try socket.sendIfPossible(Array((0..<500).map { _ in Self.get }.joined())) {}
            let begin = ContinuousClock.now
            while (ContinuousClock.now - begin) < .seconds(5), !prometheusText(service.metricFamilies()).contains("millrace_slow_clients_total 1") {
                usleep(50_000)
            }
        }
        #expect(prometheusText(service.metricFamilies()).contains("millrace_slow_clients_total 1"))
    }

    @Test func connectionsAreCounted() async throws {
        let service = service { $0.maxConnections = 2 }
        try await withHTTPServer(service) { port in
            let kept = try (0..<2).map { _ in
                let socket = try RawSocket(port)
                try socket.send(Self.get)
                #expect(try Self.heads(socket, 1)[0].hasPrefix("200"))
                return socket
            }
            #expect(try RawSocket(port).receive().isEmpty)
            try kept[0].send(Self.get)
            #expect(try Self.heads(kept[0], 1)[0].hasPrefix("200"))
        }
        #expect(prometheusText(service.metricFamilies()).contains("millrace_connections_refused_total 1"))
    }
}
