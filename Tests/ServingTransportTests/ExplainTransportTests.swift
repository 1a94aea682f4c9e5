import FeatureStore
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import JSONBytes
import Serving
import ServingHTTP
import TestSupport
import Testing

@Suite struct ExplainTransportTests {
    private let explained: ExplainedStore
    private let path = "/v1/explain/customer/clicks_10m/c1?as_of=\(ExplainedStore.asked)"

    init() throws { explained = try ExplainedStore() }

    private func get(
        _ uri: String, accept: String? = nil, setup: TestingSetup = .router
    ) async throws -> (status: Int, type: String?, body: String) {
        try await Application(responder: LookupResponder(service: explained.service)).test(setup) { client in
            try await client.execute(uri: uri, method: .get, headers: accept.map { [.accept: $0] } ?? [:]) { response in
                (response.status.code, response.headers[.contentType], String(buffer: response.body))
            }
        }
    }

    private var expected: Explanation {
        get throws {
            try explained.service.explain(.init(feature: "clicks_10m", key: "c1", entity: "customer", asOf: ExplainedStore.asked)).get()
        }
    }

    @Test func answersJSONOrTextAsAsked() async throws {
        let chart = try expected.chart
        for (uri, accept, isText) in [
            (path, nil, false), (path, "*/*", false), (path, "application/json, text/plain", false), (path, "text/plain;q=1, */*", true),
            (path + "&format=text", nil, true), (path + "&format=json", "text/plain", false),
        ] {
            let answer = try await get(uri, accept: accept)
            #expect(answer.status == 200)
            #expect(answer.type == (isText ? "text/plain; charset=utf-8" : "application/json"))
            // Freshness is of the moment, and everything is caught up here.
            #expect(answer.body == (isText ? chart : try expected.json().text), "\(uri) \(accept ?? "")")
        }
        #expect(try await get(path, accept: "text/plain", setup: .live).body == chart)
    }

    @Test(arguments: [
        ("/v1/explain/customer/clicks_10/c1", 404, "unknown-feature"), ("/v1/explain/custome/clicks_10m/c1", 404, "unknown-entity"),
        ("/v1/explain/customer/clicks_10m/c1?service=home", 404, "unknown-service"),
        ("/v1/explain/customer/clicks_2h/c1?service=homepage", 404, "unknown-feature"),
        ("/v1/explain/customer/clicks_10m/c1?format=xml", 400, "bad-request"),
        ("/v1/explain/customer/clicks_10m/c1?asof=1", 400, "bad-request"),
        ("/v1/explain/customer/clicks_10m/c1?format=text&format=text", 400, "bad-request"),
        ("/v1/explain/customer/clicks_10m/c1?as_of=1", 400, "bad-request"),
        ("/v1/explain/customer/clicks_10m/", 400, "bad-key"), ("/v1/explain/customer/clicks_10m", 404, "unknown-path"),
    ])
    func refusesWithAProblem(_ uri: String, _ status: Int, _ slug: String) async throws {
        let answer = try await get(uri)
        #expect(answer.status == status)
        #expect(answer.body.contains("\"urn:millrace:problem:\(slug)\""), "\(answer.body)")
    }

    @Test func answersOverGRPC() async throws {
        let request = Wire.string(1, "clicks_10m") + Wire.string(2, "c1") + Wire.string(3, "customer") + Wire.varint(5, ExplainedStore.asked)
        let (good, bad) = try await withGRPCServer(explained.service) { port in
            let client = try HTTP2Client(port)
            return (try client.call("Explain", request), try client.call("Explain", Wire.string(1, "clicks") + Wire.string(2, "c1")))
        }
        let answer = try Wire.decode(good.message), wanted = try expected
        #expect(answer[1] == [.bytes(Array("customer".utf8))])
        #expect(answer[2] == [.number(UInt64(ExplainedStore.asked))])
        #expect(try answer[3]?.first?.message[1]?.first?.message == [2: [.number(5)]])
        #expect(answer[4] == [.bytes(Array(wanted.features[0].reason.utf8))])
        #expect(answer[5] == [.bytes(wanted.json())])
        #expect(answer[6] == [.bytes(Array(wanted.chart.utf8))])
        #expect(bad.grpcStatus == 5)
    }
}
