internal import FeatureStore
internal import HTTPTypes
internal import JSONBytes
internal import Serving
internal import ServingTransport

/// What each path of `Schemas/openapi.yaml` answers, whichever way the request came in.
struct Endpoints: Sendable {
    let transport: Transport
    var service: LookupService { transport.service }
    let metricSources: [@Sendable () -> [MetricFamily]]

    /// Largest body of a POST that is no push.
    var maxBodyBytes: Int { service.source.definitions.server.maxRequestBytes }

    /// Largest body of a request for `target`.
    func maxBodyBytes(_ target: RequestTarget) -> Int { target.isPush ? PushRequest.maxBodyBytes : maxBodyBytes }

    enum Answer {
        case reply(Reply)
        /// The body is what counts: `question(_:body:)` next.
        case needsBody(Form)
        /// `LookupService.wait` first.
        case waits(LookupRequest, packed: PackedElement?)
        /// The body goes to a broker.
        case writes(@Sendable (_ body: [UInt8]) async throws(LookupProblem) -> Reply)
        /// It takes some milliseconds, or as long as reading every row does.
        case large(@Sendable () throws(LookupProblem) -> Reply)
    }

    /// What a body is.
    enum Form: Sendable {
        case lookup(packed: PackedElement?)
        case feastLookup, ignored
    }

    /// A body that was read, before it is answered.
    enum Question: Sendable {
        case lookup(LookupRequest, packed: PackedElement?)
        case feast(FeastRequest)
        /// The answer does not depend on it.
        case settled(Reply)

        var keyCount: Int {
            switch self {
            case .lookup(let request, _): request.keys.count
            case .feast(let request): request.rowCount
            case .settled: 0
            }
        }

        /// What must have been applied before it is answered.
        var minPosition: [SourceOffset] { if case .lookup(let request, _) = self { request.minPosition } else { [] } }
    }

    func answer(_ route: Route, _ asked: Asked) throws(LookupProblem) -> Answer {
        try route.check(method: asked.method)
        let target = asked.target, accept = asked.accept, caller = asked.caller
        switch route {
        case .entity(let name, let key):
            var request = LookupRequest(.service(name), keys: [key])
            try target.lookupParameters(into: &request)
            let packed = try Self.packed(accept)
            if !request.minPosition.isEmpty { return .waits(request, packed: packed) }
            return .reply(try reply(.lookup(request, packed: packed)))
        case .lookup:
            try target.noParameters()
            return .needsBody(.lookup(packed: try Self.packed(accept)))
        case .push(let view):
            try target.noParameters()
            return .writes { (body) async throws(LookupProblem) in try await push(view, body: body, caller) }
        case .erase:
            try target.noParameters()
            return .writes { (body) async throws(LookupProblem) in try await erase(body: body, caller) }
        case .retention:
            try target.noParameters()
            return .large { () throws(LookupProblem) in Reply(json: try service.retention().json()) }
        case .erasure(let receipt):
            try target.noParameters()
            return .reply(Reply(json: try service.erasure(receipt: receipt).json()))
        case .explain(let entity, let feature, let key):
            var query = Explanation.Query(feature: feature, key: key, entity: entity)
            let asText = try target.explainParameters(into: &query) ?? Self.prefersText(accept)
            return .large { [query] () throws(LookupProblem) in try explanation(query, asText: asText) }
        case .services:
            try target.noParameters()
            return .reply(try Reply { service.writeServices(to: &$0) { caller.sees(service: $0) } })
        case .service(let name):
            try target.noParameters()
            return .reply(try Reply { (json) throws(LookupProblem) in try service.writeService(name, to: &json) })
        case .features:
            try target.noParameters()
            return .reply(try Reply { service.writeFeatures(to: &$0) })
        case .feature(let entity, let name):
            try target.noParameters()
            return .reply(try Reply { (json) throws(LookupProblem) in try service.writeFeature(name, of: entity, to: &json) })
        case .shards:
            try target.noParameters()
            return .reply(try Reply { service.writeShards(to: &$0) })
        case .monitoring:
            try target.noParameters()
            return .large { () throws(LookupProblem) in Reply(json: try service.watch.monitoring()) }
        case .monitored(let feature):
            let (entity, hours) = try target.monitoringParameters()
            return .large { () throws(LookupProblem) in Reply(json: try service.watch.feature(feature, entity, hours)) }
        case .contracts:
            try target.noParameters()
            return .large { () throws(LookupProblem) in Reply(json: service.watch.contracts()) }
        case .drops:
            try target.noParameters()
            return .large { () throws(LookupProblem) in Reply(json: service.watch.drops()) }
        // Probes and scrapers may add parameters of their own: none is an error.
        case .health:
            return .reply(Reply(text: "ok\n", contentType: "text/plain; charset=utf-8"))
        case .ready:
            let readiness = service.readiness()
            return .reply(Reply(status: readiness.isReady ? 200 : 503, json: readiness.json()))
        case .metrics:
            return .reply(Reply(
                text: prometheusText(service.metricFamilies() + transport.families() + metricSources.flatMap { $0() }),
                contentType: "text/plain; version=0.0.4; charset=utf-8"))
        case .feastLookup: return .needsBody(.feastLookup)
        case .feastPush: return .writes { (body) async throws(LookupProblem) in try await feastPush(body: body, caller) }
        case .feastHealth: return .reply(Reply(text: "", contentType: "text/plain; charset=utf-8"))
        case .feastMaterialize: return .needsBody(.ignored)
        case .openAPI:
            return .reply(Reply(text: openAPIDocument, contentType: "application/yaml"))
        case .console: return .reply(ConsoleFiles.shared.page)
        case .consoleWithSlash: return .reply(ConsoleFiles.withoutSlash)
        case .consoleFile(let version, let name):
            guard let file = ConsoleFiles.shared.file(name, version: version) else {
                throw LookupProblem(.unknownPath, detail: "The console has no file \"\(name.prefix(200))\".", remedy: "Open /console.")
            }
            return .reply(file)
        }
    }

    func explanation(_ query: Explanation.Query, asText: Bool) throws(LookupProblem) -> Reply {
        let explanation = try service.explain(query).get()
        return asText ? Reply(text: explanation.chart, contentType: "text/plain; charset=utf-8") : Reply(json: explanation.json())
    }

    static let packedType: StaticString = "application/vnd.millrace.packed"

    /// The element of a packed answer, when its type is named: `application/vnd.millrace.packed; element=float32`.
    private static func packed(_ accept: String?) throws(LookupProblem) -> PackedElement? {
        for type in accept?.split(separator: ",") ?? [] {
            let parts = type.split(separator: ";").map { $0.filter { !$0.isWhitespace }.lowercased() }
            guard parts.first == packedType.description else { continue }
            guard let wanted = parts.dropFirst().first(where: { !$0.hasPrefix("q=") }) else { return .float64 }
            if wanted.hasPrefix("element="), let element = PackedElement(rawValue: String(wanted.dropFirst("element=".count))) { return element }
            throw LookupProblem(
                .badRequest, detail: "There is no \(wanted.prefix(64)) of packed answers.",
                remedy: "Write element=float32, element=float64 or element=int64.")
        }
        return nil
    }

    /// Whether `text/plain` is named, and JSON is not named before it.
    private static func prefersText(_ accept: String?) -> Bool {
        for type in accept?.split(separator: ",") ?? [] {
            switch type.prefix(while: { $0 != ";" }).filter({ !$0.isWhitespace }).lowercased() {
            case "text/plain": return true
            case "application/json": return false
            default: continue
            }
        }
        return false
    }

    func question(_ form: Form, body: UnsafeRawBufferPointer) throws(LookupProblem) -> Question {
        let maxKeys = service.source.definitions.server.maxKeysPerRequest
        switch form {
        case .lookup(let element): return .lookup(try LookupRequest(json: body, maxKeys: maxKeys), packed: element)
        case .feastLookup:
            do throws(FeastProblem) {
                return .feast(try FeastRequest(json: body, maxRows: maxKeys))
            } catch {
                return .settled(Reply(problem: error))
            }
        // Features are up to date when they are asked for: there is nothing to materialize.
        case .ignored: return .settled(Reply(json: Array("null".utf8)))
        }
    }

    /// Reads a push, and answers when its rows are durable.
    func push(_ view: String, body: [UInt8], _ caller: Caller) async throws(LookupProblem) -> Reply {
        let definitions = service.source.definitions
        let request = try body.withUnsafeBytesOrError { (bytes) throws(LookupProblem) in try PushRequest(json: bytes, view: view, definitions: definitions) }
        return Reply(json: try await push(request, caller).json())
    }

    func feastPush(body: [UInt8], _ caller: Caller) async throws(LookupProblem) -> Reply {
        let definitions = service.source.definitions
        let request: PushRequest
        do throws(FeastProblem) {
            request = try body.withUnsafeBytesOrError { (bytes) throws(FeastProblem) in try PushRequest(feast: bytes, definitions: definitions) }
        } catch {
            return Reply(problem: error)
        }
        do throws(LookupProblem) {
            _ = try await push(request, caller)
        } catch {
            if error.isRefusal { throw error }
            return Reply(problem: FeastProblem(error))
        }
        return Reply(json: Array("null".utf8))
    }

    /// Reads an erasure, and answers when it is durable.
    func erase(body: [UInt8], _ caller: Caller) async throws(LookupProblem) -> Reply {
        let definitions = service.source.definitions
        let request = try body.withUnsafeBytesOrError { (bytes) throws(LookupProblem) in try EraseRequest(json: bytes, definitions: definitions) }
        return Reply(json: try await audited(AuditEvent(request), caller, needs: .erase) { () async throws(LookupProblem) in try await service.erase(request) }.json())
    }

    func reply(_ question: Question) throws(LookupProblem) -> Reply {
        switch question {
        case .lookup(let request, let element):
            let answer = try service.lookup(request).get()
            guard let element else { return Reply(json: answer.json()) }
            return Reply(packed: try answer.packed(element))
        case .feast(let request):
            do throws(FeastProblem) {
                return Reply(json: try service.feast(request).json())
            } catch {
                return Reply(problem: error)
            }
        case .settled(let reply): return reply
        }
    }
}
