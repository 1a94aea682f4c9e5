import FeatureStore
import Serving
import ServingGRPC
import ServingHTTP
import ServingTransport
import TestSupport

/// A server with principals: for each permission one who has nothing else, and one who has everything but that.
struct GuardedShop: Sendable {
    let settings: AccessSettings
    let service: LookupService
    let transport: Transport
    let responder: GRPCResponder
    let clock: TestClock

    static let expired = "mrt_expired", wrong = "mrt_wrong", nobody = "mrt_nothing"

    /// The permissions that there are.
    static let grants: [(name: String, path: @Sendable (inout Grants, Bool) -> Void)] = [
        ("services", { $0.services = $1 ? .only(["homepage"]) : .only(["other"]) }), ("entities", { $0.entities = $1 ? .only(["customer"]) : .only(["product"]) }),
        ("push", { $0.push = $1 ? .only(["model"]) : .only(["other"]) }), ("erase", { $0.erase = $1 }), ("metrics", { $0.metrics = $1 }),
        ("admin", { $0.admin = $1 }),
    ]

    init(failures: FailureSettings? = nil, verifier: TokenVerifier? = nil, audit: AuditLog? = nil) throws {
        var settings = AccessSettings()
        func add(_ name: String, expires: Int64? = nil, _ grants: Grants) {
            var principal = PrincipalDefinition(name: name)
            principal.tokens = [TokenDefinition(sha256: SHA256.hash("mrt_\(name)".utf8), expires: expires)]
            principal.grants = grants
            settings.principals.append(principal)
        }
        var all = Grants()
        for (_, set) in Self.grants { set(&all, true) }
        for (name, set) in Self.grants {
            var only = Grants(), but = all
            set(&only, true)
            set(&but, false)
            add("only-\(name)", only)
            add("but-\(name)", but)
        }
        add("all", all)
        add("expired", expires: LookupDouble.now - 1, all)
        add("nothing", Grants())
        // The matrix sends many wrong ones.
        settings.failures.limit = 1_000_000
        if let failures { settings.failures = failures }
        self.settings = settings
        service = try Self.service()
        let clock = TestClock()
        self.clock = clock
        transport = Transport(
            service: service, access: AccessGuard(settings, verifier: verifier, now: { clock.now }), audit: audit)
        responder = GRPCResponder(transport: transport, others: JSONResponder(transport: transport))
    }

    /// The double with a view that Feast knows and one that is pushed.
    private static func service() throws -> LookupService {
        var source = LookupDouble().source
        let definitions = try Definitions.load(
            yaml: """
                version: 1
                name: shop
                entities: {customer: {}, product: {}}
                pushed:
                  model: {entity: customer, features: {score: double}}
                  other: {entity: customer, features: {rank: double}}

                """, file: "shop.yaml")
        source.definitions.pushed = definitions.pushed
        source.definitions.streams = definitions.streams
        source.definitions.entities = definitions.entities
        source.definitions.views = definitions.views + [
            .init(
                name: "clicks", entity: "customer", stream: "clicks",
                features: [.init(name: "clicks_5m", aggregation: .count(field: nil), window: .lifetime)])
        ]
        return LookupService(source: source, sink: PushSink { (_, _, _) async throws(LookupProblem) in [] })
    }

    /// Runs `body` against the HTTP port, then against the gRPC port.
    func withHTTP<Value: Sendable>(_ body: @escaping @Sendable (_ port: Int) throws -> Value) async throws -> Value {
        try await withServer({ HTTPServer(transport: transport, http2: responder, host: "127.0.0.1", port: 0, onListening: $0) }, body)
    }

    func withGRPC<Value: Sendable>(_ body: @escaping @Sendable (_ port: Int) throws -> Value) async throws -> Value {
        try await withServer({ GRPCServer(transport: transport, responder: responder, host: "127.0.0.1", port: 0, onListening: $0) }, body)
    }
}
