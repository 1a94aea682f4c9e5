import FeatureStore
import Foundation
import Serving
import ServingHTTP
import ServingTransport
import TestSupport
import Testing

/// Every path and every method, with every kind of credential: only the one that is right and permitted passes. The endpoints are those of the
/// tables that the server itself has, so that none can be forgotten.
@Suite(.timeLimit(.minutes(2))) struct AccessMatrixTests {
    enum Credential: CaseIterable { case none, wrong, expired, notPermitted, permitted }

    /// What a request needs in the end, as `GuardedShop.grants` names it; nil: it is open.
    struct Endpoint {
        var path: String
        var grant: String?
        var body: String?
    }

    /// The permission of each path's need, and for those whose body says the rest what this body needs.
    private static func endpoints() throws -> [Endpoint] {
        var endpoints: [Endpoint] = []
        for template in Routes.paths {
            let path = template.replacing("{service}", with: "homepage").replacing("{key}", with: "c1").replacing("{view}", with: "model")
                .replacing("{entity}", with: "customer").replacing("{feature}", with: "clicks_5m").replacing("{receipt}", with: "5be0d1e4")
            let (kind, need, isPost) = try Routes.at(path)
            switch kind {
            case .lookup:
                endpoints.append(Endpoint(path: path, grant: "services", body: #"{"service":"homepage","keys":["c1"]}"#))
                endpoints.append(Endpoint(path: path, grant: "entities", body: #"{"features":["clicks_5m"],"keys":["c1"]}"#))
            case .feastLookup:
                endpoints.append(Endpoint(path: path, grant: "services", body: #"{"feature_service":"homepage","entities":{"customer":["c1"]}}"#))
                endpoints.append(Endpoint(path: path, grant: "entities", body: #"{"features":["clicks:clicks_5m"],"entities":{"customer":["c1"]}}"#))
            case .feastPush:
                let name = path == "/push" ? "push_source_name" : "feature_view_name"
                endpoints.append(Endpoint(path: path, grant: "push", body: #"{"\#(name)":"model","df":{"customer":["c1"],"score":[0.5]}}"#))
            default:
                endpoints.append(Endpoint(path: path, grant: try grant(need), body: isPost ? kind == .push ? #"{"rows":[{"customer":"c1","score":0.5}]}"# : "{}" : nil))
            }
        }
        return endpoints
    }

    private static func grant(_ need: Need) throws -> String? {
        switch need {
        case .open: nil
        case .anything: "anything"
        case .catalogue: "catalogue"
        case .service: "services"
        case .entity, .entities: "entities"
        case .push: "push"
        case .erase: "erase"
        case .metrics: "metrics"
        case .admin: "admin"
        }
    }

    private static func token(_ credential: Credential, _ grant: String) -> String? {
        switch credential {
        case .none: nil
        case .wrong: GuardedShop.wrong
        case .expired: GuardedShop.expired
        // Any permission is enough: only who has none at all may not. The list of services is of those that one may read: not for who may read none.
        case .notPermitted: grant == "anything" ? GuardedShop.nobody : grant == "catalogue" ? "mrt_only-metrics" : "mrt_but-\(grant)"
        case .permitted: grant == "anything" ? "mrt_only-metrics" : grant == "catalogue" ? "mrt_only-services" : "mrt_only-\(grant)"
        }
    }

    @Test func `every path is in the table`() throws {
        let paths = try Routes.paths.map { try Routes.at($0.replacing("{", with: "").replacing("}", with: "")).kind }
        #expect(Set(paths) == Set(Routes.Kind.allCases))
    }

    /// HTTP/1.1 both ways through the server, and HTTP/2.
    @Test func `every path with every credential`() async throws {
        let shop = try GuardedShop()
        let endpoints = try Self.endpoints()
        #expect(endpoints.count >= 25)
        let count = try await shop.withHTTP { port in
            var count = 0
            for endpoint in endpoints {
                for credential in Credential.allCases {
                    let token = endpoint.grant.flatMap { Self.token(credential, $0) }
                    // The double explains nothing and watches nothing, and the shop has no topic of erasures.
                    let answered = endpoint.path.contains("/explain/") || endpoint.path.contains("/erasures/") || endpoint.path.contains("/monitoring/")
                        || endpoint.path.hasPrefix("/v1/features/") ? 404 : endpoint.path == "/v1/erase" ? 400 : 200
                    let expected = endpoint.grant == nil || credential == .permitted ? answered : credential == .notPermitted ? 403 : 401
                    for form in Form.allCases {
                        let status = try form.status(port, endpoint, token)
                        #expect(status == expected, "\(endpoint.path) \(credential) over \(form): \(status)")
                        count += 1
                    }
                }
            }
            return count
        }
        print("access matrix: \(endpoints.count) requests x \(Credential.allCases.count) credentials x \(Form.allCases.count) forms of HTTP: \(count)")
    }

    enum Form: CaseIterable {
        /// `DirectRequests`, Hummingbird, HTTP/2.
        case direct, complete, http2

        func status(_ port: Int, _ endpoint: Endpoint, _ token: String?) throws -> Int {
            if self == .http2 {
                var head = [(":method", endpoint.body == nil ? "GET" : "POST"), (":scheme", "http"), (":path", endpoint.path), (":authority", "test")]
                if let token { head.append(("authorization", "Bearer \(token)")) }
                return Int(try HTTP2Client(port).ask(head, body: endpoint.body.map { Array($0.utf8) }).status ?? "") ?? 0
            }
            var text = "\(endpoint.body == nil ? "GET" : "POST") \(endpoint.path) HTTP/1.1\r\nHost: a\r\n"
            if let token { text += "Authorization: Bearer \(token)\r\n" }
            if let body = endpoint.body { text += "Content-Length: \(body.utf8.count)\r\n" }
            if self == .complete { text += "Connection: close\r\n" }
            return try Client(port).ask(text + "\r\n" + (endpoint.body ?? "")).status
        }
    }

    // MARK: gRPC

    /// Messages for each method, and the permission that each needs.
    private static let messages: [String: [(grant: String?, message: [UInt8])]] = {
        let service = "/millrace.serving.v1.FeatureService/"
        let byService = Wire.string(1, "homepage") + Wire.string(3, "c1"), byFeature = Wire.string(2, "clicks_5m") + Wire.string(3, "c1")
        func nested(_ field: Int, _ message: [UInt8]) -> [UInt8] { Wire.varint(UInt64(field) << 3 | 2) + Wire.varint(UInt64(message.count)) + message }
        let keys = nested(3, Wire.string(1, "customer") + nested(2, nested(1, Wire.string(2, "c1"))))
        let feast: [(grant: String?, message: [UInt8])] = [
            ("services", Wire.string(1, "homepage") + keys), ("entities", nested(2, Wire.string(1, "clicks:clicks_5m")) + keys),
        ]
        let pushed = nested(1, Wire.string(1, "customer") + Wire.string(2, "c1")) + nested(1, Wire.string(1, "score") + Wire.string(2, "0.5"))
        return [
            service + "Lookup": [("services", byService), ("entities", byFeature)],
            service + "LookupPacked": [("services", nested(1, byService)), ("entities", nested(1, Wire.string(2, "clicks_5m") + Wire.string(3, "c1")))],
            service + "ListServices": [("catalogue", [])],
            service + "Explain": [("entities", Wire.string(1, "clicks_5m") + Wire.string(2, "c1"))],
            service + "Erase": [("erase", Wire.string(1, "customer") + Wire.string(2, "c1"))],
            service + "GetErasure": [("erase", Wire.string(1, "5be0d1e4"))],
            service + "Push": [("push", Wire.string(1, "model") + nested(2, Wire.string(1, "c1")))],
            "/feast.serving.ServingService/GetOnlineFeatures": feast,
            "/feast.serving.ServingService/GetFeastServingInfo": [("anything", [])],
            "/GrpcFeatureServer/GetOnlineFeatures": feast,
            "/GrpcFeatureServer/Push": [("push", Wire.string(2, "model") + pushed)],
            "/GrpcFeatureServer/WriteToOnlineStore": [("push", Wire.string(2, "model") + pushed)],
            "/grpc.health.v1.Health/Check": [(nil, [])],
            "/grpc.health.v1.Health/Watch": [(nil, [])],
        ]
    }()

    @Test func `every method with every credential`() async throws {
        let shop = try GuardedShop()
        let paths = shop.responder.paths
        // Watch does not end: it is asked below.
        let count = try await shop.withGRPC { port in
            var count = 0
            for path in paths {
                let messages = try #require(Self.messages[path], "there is no message for \(path): say what it needs")
                for (grant, message) in messages where !path.hasSuffix("/Watch") {
                    for credential in Credential.allCases {
                        var head = HTTP2Client.head(path)
                        if let token = grant.flatMap({ Self.token(credential, $0) }) { head.append(("authorization", "Bearer \(token)")) }
                        let answer = try HTTP2Client(port).ask(head, body: HTTP2Client.message(message))
                        let code = answer.grpcStatus ?? -1
                        let passes = grant == nil || credential == .permitted
                        // The double explains nothing, and the shop has no topic of erasures.
                        let answered = path.hasSuffix("/Explain") || path.hasSuffix("/GetErasure") ? 5 : path.hasSuffix("/Erase") ? 3 : 0
                        let expected = passes ? answered : credential == .notPermitted ? 7 : 16
                        #expect(code == expected, "\(path) \(credential): \(code) \(answer.field("grpc-message") ?? "")")
                        if !passes { #expect(answer.field("grpc-message")?.contains("SECURITY.md") == true || credential == .expired) }
                        count += 1
                    }
                }
            }
            let watch = try HTTP2Client(port)
            _ = try watch.begin(HTTP2Client.head("/grpc.health.v1.Health/Watch"), body: HTTP2Client.message([]))
            #expect(try watch.next(HTTP2Client.Frame.data)?.payload == HTTP2Client.message([0x08, 1]))
            return count
        }
        print("access matrix: \(paths.count) methods: \(count)")
        #expect(Set(paths) == Set(Self.messages.keys))
    }

    @Test func `what there is none of is not told without a credential`() async throws {
        let shop = try GuardedShop()
        try await shop.withHTTP { port throws in
            for (token, status) in [(nil, 401), (GuardedShop.wrong, 401), (GuardedShop.nobody, 403), ("mrt_only-metrics", 404)] as [(String?, Int)] {
                for form in Form.allCases {
                    #expect(try form.status(port, Endpoint(path: "/v1/nothing"), token) == status)
                }
            }
            for (token, code) in [(nil, 16), ("mrt_nothing", 7), ("mrt_all", 12)] as [(String?, Int)] {
                let head = HTTP2Client.head("/millrace.serving.v1.FeatureService/Nothing") + (token.map { [("authorization", "Bearer \($0)")] } ?? [])
                #expect(try HTTP2Client(port).ask(head, body: HTTP2Client.message([])).grpcStatus == code)
            }
        }
    }

    /// The credential is the request's, whatever the connection has sent before.
    @Test func `a connection may change its credential with each request`() async throws {
        let shop = try GuardedShop()
        let order: [(String?, Int)] = [
            ("mrt_only-services", 200), ("mrt_only-services", 200), (nil, 401), ("mrt_but-services", 403), (GuardedShop.wrong, 401), (GuardedShop.expired, 401),
            ("mrt_all", 200), ("mrt_all,mrt_all", 401), ("mrt_only-services", 200),
        ]
        try await shop.withHTTP { port in
            let client = try Client(port), http2 = try HTTP2Client(port)
            for (token, status) in order {
                let field = token.map { "Authorization: Bearer \($0)\r\n" } ?? ""
                #expect(try client.ask("GET /v1/services/homepage/entities/c1 HTTP/1.1\r\nHost: a\r\n\(field)\r\n").status == status)
                var head = [(":method", "GET"), (":scheme", "http"), (":path", "/v1/services/homepage/entities/c1"), (":authority", "test")]
                if let token { head.append(("authorization", "Bearer \(token)")) }
                #expect(try http2.ask(head).status == "\(status)")
            }
            // Two fields are none, whichever way they come.
            let two = "Authorization: Bearer mrt_all\r\nAuthorization: Bearer mrt_all\r\n"
            #expect(try Client(port).ask("GET /v1/shards HTTP/1.1\r\nHost: a\r\n\(two)\r\n").status == 401)
            let head = [(":method", "GET"), (":scheme", "http"), (":path", "/v1/shards"), (":authority", "t")]
            #expect(try HTTP2Client(port).ask(head + [("authorization", "Bearer mrt_all"), ("authorization", "Bearer mrt_all")]).status == "401")
        }
    }

    /// What was found out once per connection ends with the token.
    @Test func `a remembered credential expires`() async throws {
        let shop = try GuardedShop(verifier: TokenVerifier(
            verify: { _, now in now < LookupDouble.now + 1_000_000 ? .valid(name: "all", permissions: nil, until: LookupDouble.now + 1_000_000) : .expired }, generation: { 0 }))
        try await shop.withHTTP { port in
            let client = try Client(port)
            let request = "GET /v1/services/homepage/entities/c1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a.b.c\r\n\r\n"
            #expect(try client.ask(request).status == 200)
            shop.clock.advance(2_000_000)
            // A second of the real clock, for which it was remembered.
            var status = 200
            for _ in 0..<300 where status == 200 {
                Thread.sleep(forTimeInterval: 0.01)
                status = try client.ask(request).status
            }
            #expect(status == 401)
        }
    }

    /// Asked over HTTP and over gRPC, the same is written down.
    @Test func `the audit log has each transport's requests`() async throws {
        let directory = TemporaryDirectory()
        var settings = AuditSettings(file: directory.file("audit.ndjson"))
        settings.events = Set(AuditSettings.Event.allCases)
        let log = AuditLog(settings, now: { LookupDouble.now })
        try log.start()
        let shop = try GuardedShop(audit: log)
        try await shop.withHTTP { port in
            func ask(_ path: String, _ body: String? = nil, _ token: String = "mrt_all") throws {
                for form in Form.allCases { _ = try form.status(port, Endpoint(path: path, grant: nil, body: body), token) }
            }
            try ask("/v1/services/homepage/entities/c1")
            try ask("/v1/lookup", #"{"features":["clicks_5m"],"keys":["c1","c2"]}"#)
            try ask("/v1/push/model", #"{"rows":[{"customer":"c1","score":0.5}]}"#)
            try ask("/push", #"{"push_source_name":"model","df":{"customer":["c1"],"score":[0.5]}}"#, "mrt_but-push")
            try ask("/v1/shards", nil, "mrt_only-push")
        }
        try await shop.withGRPC { port in
            let request = Wire.string(1, "homepage") + Wire.string(3, "c1")
            _ = try HTTP2Client(port).call("Lookup", request, [("authorization", "Bearer mrt_all")])
            _ = try HTTP2Client(port).call("Lookup", request, [("authorization", "Bearer mrt_but-services")])
        }
        log.stop()
        struct Record: Decodable, Equatable { var operation, principal, target, outcome, transport: String, entities: Int }
        let lines = try String(contentsOfFile: settings.file, encoding: .utf8).split(separator: "\n")
        let records = try lines.map { try JSONDecoder().decode(Record.self, from: Data($0.utf8)) }.dropFirst().dropLast()
        let forms = ["http/1.1", "http/1.1", "http/2"]
        var expected: [Record] = []
        for (operation, principal, target, outcome, entities) in [
            ("lookup", "all", "homepage", "ok", 1), ("lookup", "all", "features:clicks_5m", "ok", 2), ("push", "all", "model", "ok", 1),
            ("push", "but-push", "model", "permission-denied", 1), ("shards", "only-push", "", "permission-denied", 0),
        ] {
            for form in forms { expected.append(Record(operation: operation, principal: principal, target: target, outcome: outcome, transport: form, entities: entities)) }
        }
        expected.append(Record(operation: "lookup", principal: "all", target: "homepage", outcome: "ok", transport: "grpc", entities: 1))
        expected.append(Record(operation: "lookup", principal: "but-services", target: "homepage", outcome: "permission-denied", transport: "grpc", entities: 1))
        #expect(Array(records) == expected)
        var verification = AuditVerification()
        try verification.read([settings.file])
    }
}
