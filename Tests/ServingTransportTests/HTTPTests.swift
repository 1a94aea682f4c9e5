import FeatureStore
import JSONBytes
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Serving
import ServingHTTP
import ServingTransport
import TestSupport
import Testing

@Suite struct HTTPTests {
    private func respond(
        _ method: HTTPRequest.Method, _ uri: String, body: String? = nil, double: LookupDouble = LookupDouble(),
        setup: TestingSetup = .router
    ) async throws -> (status: Int, headers: HTTPFields, body: String) {
        let responder = LookupResponder(
            transport: Transport(service: double.service),
            metricSources: [{ [MetricFamily(name: "millrace_ingest_events_total", help: "Events.", kind: .counter, value: 8)] }])
        return try await Application(responder: responder).test(setup) { client in
            try await client.execute(uri: uri, method: method, body: body.map { ByteBuffer(string: $0) }) { response in
                (response.status.code, response.headers, String(buffer: response.body))
            }
        }
    }

    @Test func answersOneEntity() async throws {
        let answer = try await respond(.get, "/v1/services/homepage/entities/c1")
        #expect(answer.status == 200)
        #expect(answer.headers[.contentType] == "application/json")
        let expected = try LookupDouble().service.lookup(.init(.service("homepage"), keys: ["c1"])).get().json()
        #expect(answer.body == expected.text)
    }

    @Test func answersOverASocketToo() async throws {
        let answer = try await respond(.get, "/v1/services/homepage/entities/c1", setup: .live)
        #expect(answer.status == 200)
        #expect(answer.headers[.contentLength] == String(answer.body.utf8.count))
        #expect(answer.headers[.date] != nil)
    }

    @Test func anUnknownEntityIsNotFoundButAnswered() async throws {
        let answer = try await respond(.get, "/v1/services/homepage/entities/nobody")
        #expect(answer.status == 200)
        #expect(answer.body.contains(#""results":[{"key":"nobody","found":false,"values":[0,null,null,null],"statuses":["defaulted","missing","missing","missing"]"#))
    }

    @Test(arguments: [("a%2Fb", "a/b"), ("%E2%82%AC", "€"), ("a+b", "a+b"), ("%2525", "%25"), ("a%20b", "a b"), ("a:b@c;d", "a:b@c;d")])
    func decodesKeys(_ encoded: String, _ key: String) async throws {
        let double = LookupDouble()
        let answer = try await respond(.get, "/v1/services/homepage/entities/\(encoded)", double: double)
        #expect(answer.status == 200)
        #expect(double.state.withLock { $0.asked.map(\.key) } == [key])
    }

    @Test func readsTheTimeAndTheStalenessOfAQuery() async throws {
        let double = LookupDouble()
        for query in ["as_of=2026-01-01T00:00:00Z&max_staleness=5s", "max_staleness=5000000&as_of=1767225600000000", "as_of=2026-01-01T02:00:00%2B02:00&max_staleness=5s", "as_of=2026-01-01T02:00:00+02:00&max_staleness=5s"] {
            #expect(try await respond(.get, "/v1/services/homepage/entities/c1?\(query)", double: double).status == 200)
        }
        for asked in double.state.withLock({ $0.asked }) {
            #expect(asked.asOf == LookupDouble.now)
            #expect(asked.maxStaleness == 5_000_000)
        }
    }

    @Test func answersManyEntitiesByPost() async throws {
        let answer = try await respond(
            .post, "/v1/lookup", body: #"{"features":["clicks_5m"],"keys":["c1","c2"],"as_of":"2026-01-01T00:00:01Z"}"#)
        #expect(answer.status == 200)
        #expect(
            answer.body == """
                {"service":null,"version":null,"entity":"customer","as_of":"2026-01-01T00:00:01.000000Z","freshness_ms":12.5,\
                "features":["clicks_5m"],"results":[\
                {"key":"c1","found":true,"values":[5],"statuses":["present"],"newest_event_times":["2025-12-31T23:59:59.000000Z"]},\
                {"key":"c2","found":false,"values":[0],"statuses":["defaulted"],"newest_event_times":[null]}],\
                "positions":[{"topic":"clicks","partition":0,"offset":12,"end":14},{"topic":"purchases","partition":0,"offset":3,"end":null}]}
                """)
    }

    @Test(arguments: [1, 16, 17, 200]) func answersBatchesOfAnySize(_ count: Int) async throws {
        let keys = (0..<count).map { "k\($0)" }
        let body = "{\"service\":\"homepage\",\"keys\":[\(keys.map { "\"\($0)\"" }.joined(separator: ","))]}"
        let double = LookupDouble(maxKeys: 200)
        let answer = try await respond(.post, "/v1/lookup", body: body, double: double)
        let expected = try double.service.lookup(.init(.service("homepage"), keys: keys)).get().json()
        #expect(answer.status == 200)
        #expect(answer.body == expected.text)
    }

    @Test func listsServicesWithTheirContracts() async throws {
        let one = try await respond(.get, "/v1/services/homepage")
        #expect(
            one.body == """
                {"service":"homepage","version":2,"entity":"customer","description":"The home page's model.","max_staleness_ms":5000,\
                "features":[{"name":"clicks_5m","type":"int64"},{"name":"spend_1h","type":"decimal(6)"},\
                {"name":"last_category","type":"string"},{"name":"views_by_category","type":"map<string, int64>"}],"inputs":[],\
                "packed":{"schema":"f8fabe35e6d41b4f","features":["clicks_5m","spend_1h"],\
                "columns":["clicks_5m","spend_1h"],"sparse":null}}
                """)
        #expect(try await respond(.get, "/v1/services").body == #"{"services":[\#(one.body)]}"#)
    }

    @Test func showsShards() async throws {
        #expect(
            try await respond(.get, "/v1/shards").body == """
                {"assigned":true,"shards":[{"shard":0,"state":"open","reason":null,"lag_events":2,"freshness_ms":12.5,"rows":7,\
                "map_bytes":65536,"used_bytes":4096,"catching_up":false,\
                "commits":{"batches":0,"events":0,"applying_ms":0,"committing_ms":0,"largest_batch":0},\
                "positions":[{"topic":"clicks","partition":0,"offset":12,"end":14},{"topic":"purchases","partition":0,"offset":3,"end":null}]}]}
                """)
    }

    @Test func aServerThatWatchesNothingSaysSo() async throws {
        #expect(try await respond(.get, "/v1/monitoring").body == #"{"enabled":false,"features":[],"alerts":[]}"#)
        #expect(try await respond(.get, "/v1/contracts").body == #"{"streams":[]}"#)
        #expect(try await respond(.get, "/v1/drops").body == #"{"drops":[]}"#)
    }

    @Test func probesTellAliveFromReady() async throws {
        let double = LookupDouble()
        double.state.withLock { $0.assigned = false }
        #expect(try await respond(.get, "/healthz", double: double).status == 200)
        let notReady = try await respond(.get, "/readyz", double: double)
        #expect(notReady.status == 503)
        #expect(notReady.body.hasPrefix(#"{"ready":false,"missing":["No shards are assigned yet"#))
        #expect(try await respond(.get, "/readyz").body == #"{"ready":true,"missing":[]}"#)
    }

    @Test func metricsJoinServingAndTheOtherSources() async throws {
        let answer = try await respond(.get, "/metrics")
        #expect(answer.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(answer.body.contains("millrace_ingest_events_total 8\n"))
        #expect(answer.body.contains("millrace_requests_in_flight 1\n"))
        #expect(answer.body.contains("millrace_shard_lag_events{shard=\"0\"} 2\n"))
    }

    @Test func headAnswersWithoutABody() async throws {
        let answer = try await respond(.head, "/v1/services/homepage/entities/c1")
        #expect(answer.status == 200)
        #expect(answer.body.isEmpty)
        #expect((answer.headers[.contentLength].flatMap { Int($0) } ?? 0) > 100)
    }

    @Test(arguments: [
        (HTTPRequest.Method.get, "/v1/services/homepag/entities/c1", String?.none, 404, "unknown-service"),
        (.get, "/v1/services/homepag", nil, 404, "unknown-service"),
        (.get, "/v1/services/homepage/entities/", nil, 400, "bad-key"),
        (.get, "/v1/services/homepage/entities/%zz", nil, 400, "bad-key"),
        (.get, "/v1/services/homepage/entities/%ff", nil, 400, "bad-key"),
        (.get, "/v1/services/homepage/entities/a%2", nil, 400, "bad-key"),
        (.get, "/v1/services/homepage/entities/\(String(repeating: "k", count: 481))", nil, 400, "bad-key"),
        (.get, "/v1/services/homepage/entities/a/b", nil, 404, "unknown-path"),
        (.get, "/v1/services/homepage/entities/a/", nil, 404, "unknown-path"),
        (.get, "/v1/services/", nil, 404, "unknown-path"),
        (.get, "/v1/nothing", nil, 404, "unknown-path"),
        (.get, "/", nil, 404, "unknown-path"),
        (.get, "/\(String(repeating: "/", count: 5000))", nil, 404, "unknown-path"),
        (.get, "/v1/services/homepage/entities/c1?asof=1", nil, 400, "bad-request"),
        (.get, "/v1/services/homepage/entities/c1?as_of", nil, 400, "bad-request"),
        (.get, "/v1/services/homepage/entities/c1?as_of=tomorrow", nil, 400, "bad-request"),
        (.get, "/v1/services/homepage/entities/c1?as_of=1&as_of=2", nil, 400, "bad-request"),
        (.get, "/v1/services/homepage/entities/c1?as_of=9223372036854775807", nil, 400, "bad-request"),
        (.get, "/v1/services/homepage/entities/c1?max_staleness=-5", nil, 400, "bad-request"),
        (.get, "/v1/shards?x=1", nil, 400, "bad-request"),
        (.get, "/v1/monitoring?x=1", nil, 400, "bad-request"), (.get, "/v1/monitoring/clicks_5m?hours=9999", nil, 400, "bad-request"),
        (.get, "/v1/monitoring/clicks_5m", nil, 404, "unknown-feature"), (.post, "/v1/drops", nil, 405, "method-not-allowed"),
        (.put, "/v1/lookup", "{}", 405, "method-not-allowed"),
        (.get, "/v1/lookup", nil, 405, "method-not-allowed"),
        (.post, "/metrics", "", 405, "method-not-allowed"),
        (.post, "/v1/lookup", "", 400, "bad-json"),
        (.post, "/v1/lookup", "{\"keys\":[", 400, "bad-json"),
        (.post, "/v1/lookup", #"{"service":"homepage","keys":["a"],"asof":1}"#, 400, "bad-request"),
        (.post, "/v1/lookup", #"{"service":"homepage"}"#, 400, "bad-request"),
        (.post, "/v1/lookup", #"{"service":"homepage","keys":["1","2","3","4"]}"#, 400, "too-many-keys"),
        (.post, "/v1/lookup", #"{"features":["nope"],"keys":["1"]}"#, 404, "unknown-feature"),
        (.post, "/v1/lookup", #"{"service":"homepage","keys":["elsewhere"]}"#, 503, "shard-unavailable"),
        (.post, "/v1/lookup", String(repeating: " ", count: (1 << 20) + 1), 413, "body-too-large"),
    ])
    func refusesWithAProblem(_ method: HTTPRequest.Method, _ uri: String, _ body: String?, _ status: Int, _ slug: String) async throws {
        let double = LookupDouble()
        double.state.withLock { $0.unavailable = ["elsewhere"] }
        let answer = try await respond(method, uri, body: body, double: double)
        #expect(answer.status == status)
        #expect(answer.headers[.contentType] == "application/problem+json")
        #expect(answer.body.hasPrefix("{\"type\":\"urn:millrace:problem:\(slug)\",\"title\":"))
        #expect(answer.body.contains("\"remedy\":\""))
        #expect((answer.headers[.retryAfter] == "1") == (status == 503))
        if status == 405 { #expect(answer.headers[.allow] == (uri == "/v1/lookup" ? "POST" : "GET, HEAD")) }
    }

    @Test func namesTheParameterThatWasMeant() async throws {
        let answer = try await respond(.get, "/v1/services/homepage/entities/c1?asof=1")
        #expect(answer.body.contains(#"Did you mean \"as_of\"?"#))
    }
}
