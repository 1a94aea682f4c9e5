import FeatureStore
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Serving
import ServingHTTP
import ServingTransport
import TestSupport
import Testing

/// The console's files as a browser gets them; `Tests/Python/console` has a browser.
@Suite struct ConsoleTests {
    private func get(
        _ uri: String, method: HTTPRequest.Method = .get, service: LookupService = LookupDouble().service, setup: TestingSetup = .router
    ) async throws -> (status: Int, headers: HTTPFields, body: String) {
        let responder = LookupResponder(transport: Transport(service: service))
        return try await Application(responder: responder).test(setup) { client in
            try await client.execute(uri: uri, method: method) { response in
                (response.status.code, response.headers, String(buffer: response.body))
            }
        }
    }

    private static let policy = HTTPField.Name("Content-Security-Policy")!

    @Test func thePageNamesFilesThatAreThereAndNothingElse() async throws {
        let page = try await get("/console")
        #expect(page.status == 200)
        #expect(page.headers[.contentType] == "text/html; charset=utf-8")
        #expect(page.headers[.cacheControl] == "no-cache")
        let named = page.body.matches(of: /(?:href|src)="([^"#][^"]*)"/).map { String($0.1) }
        #expect(named.count > 10)
        for path in named {
            #expect(path.hasPrefix("console/"))
            let file = try await get("/\(path)")
            #expect(file.status == 200, "\(path)")
            #expect(file.headers[.cacheControl] == "public, max-age=31536000, immutable")
            #expect(file.headers[HTTPField.Name("X-Content-Type-Options")!] == "nosniff")
        }
        #expect(!page.body.contains("@version@") && !page.body.contains("@modules@"))
        #expect(!page.body.contains("<style") && !page.body.contains("style=\"") && !page.body.contains("onclick"))
    }

    @Test func theBrowserIsToldToTrustNothingElse() async throws {
        let policy = try #require(try await get("/console").headers[Self.policy])
        for part in ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"] {
            #expect(policy.contains(part))
        }
        #expect(!policy.contains("unsafe") && !policy.contains("http"))
    }

    @Test func modulesImportEachOtherOnly() async throws {
        let page = try await get("/console")
        for path in page.body.matches(of: /href="(console\/[^"]*\.js)"/).map({ String($0.1) }) {
            let file = try await get("/\(path)")
            #expect(file.headers[.contentType] == "text/javascript; charset=utf-8")
            for name in file.body.matches(of: /import .* from "([^"]*)"/).map({ String($0.1) }) {
                #expect(name.hasPrefix("./"))
                #expect(page.body.contains("/\(name.dropFirst(2))\""), "\(path) imports \(name)")
            }
            for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "http://", "https://"] {
                #expect(!file.body.replacing("http://www.w3.org/2000/svg", with: "").contains(word), "\(path) has \(word)")
            }
        }
    }

    @Test func filesOfAnotherVersionAreGivenAndNotKept() async throws {
        let file = try await get("/console/0123456789abcdef/app.js")
        #expect(file.status == 200)
        #expect(file.headers[.cacheControl] == "no-store")
    }

    @Test func whatIsNotThereIsSaid() async throws {
        for path in ["/console/x/nothing.js", "/console/x/index.html", "/console/x/..%2fapp.js", "/console/x", "/console/x/y/z"] {
            let answer = try await get(path)
            #expect(answer.status == 404, "\(path)")
            #expect(answer.body.contains("urn:millrace:problem:unknown-path"))
        }
        #expect(try await get("/console", method: .post).status == 405)
        let slash = try await get("/console/")
        #expect(slash.status == 308 && slash.headers[.location] == "../console")
    }

    @Test func overASocketItIsTheSame() async throws {
        let page = try await get("/console", setup: .live)
        #expect(page.status == 200 && page.headers[Self.policy] != nil)
        let head = try await get("/console", method: .head, setup: .live)
        #expect(head.body.isEmpty && head.headers[.contentLength] == String(page.body.utf8.count))
    }

    @Test func theCatalogueIsWhatTheDefinitionsSay() async throws {
        let service = try ExplainedStore().service
        let answer = try await get("/v1/features", service: service)
        #expect(answer.status == 200)
        let spend = """
            {"name":"spend_10m","entity":"customer","type":"decimal(2)","description":"","default":null,"kind":"view",\
            "view":{"name":"of_customer","stream":"clicks","where":"price > 1","aggregation":"sum(price)","in_words":"the exact sum of price",\
            "window":{"name":"10m","kind":"sliding","length_ms":600000,"hop_ms":60000,"bound":"≤ 10.0 % longer"},"ttl_ms":null,"history_ms":0,\
            "keeps":"tiles","max_events":null,"bytes":{"tile":
            """
        let derived = """
            {"name":"mean_10m","entity":"customer","type":"double","description":"","default":null,"kind":"derived","view":null,\
            "derived":{"expression":"spend_10m / max(clicks_10m, 1)","inputs":["spend_10m","clicks_10m"]},\
            "used_by":{"services":[{"name":"homepage","version":2,"as":"value"}],"features":[]}}
            """
        #expect(answer.body.hasPrefix(#"{"name":"explained","entities":[{"name":"customer","description":"","singleton":false}],"streams":[{"name":"clicks","topic":"clicks","dead_letter_topic":null,"format":"json","keys":[{"entity":"customer","path":"customer"}],"id":"id","allowed_lateness_ms":172800000,"#))
        #expect(answer.body.contains(spend))
        #expect(answer.body.contains(derived))
        #expect(try await get("/v1/features/customer/mean_10m", service: service).body == derived)
    }

    @Test func theCatalogueHasTagsOwnerAndPurposeWhereTheyAreSaid() async throws {
        let explained = try ExplainedStore()
        var source = LookupSource(store: explained.store)
        source.definitions.streams[0].classification.tags = ["pii"]
        source.definitions.streams[0].classification.owner = "payments"
        source.definitions.streams[0].classification.purpose = "order history"
        let service = LookupService(source: source)
        let spend = try await get("/v1/features/customer/spend_10m", service: service).body
        #expect(spend.contains(#""description":"","tags":["pii"],"owner":"payments","purpose":"order history","default":null"#))
        let derived = try await get("/v1/features/customer/mean_10m", service: service).body
        #expect(derived.contains(#""description":"","tags":["pii"],"default":null"#))
        let listed = try await get("/v1/features", service: service).body
        #expect(listed.contains(spend) && listed.contains(derived))
    }

    @Test(arguments: [
        ("/v1/features/customer/mean_10", 404, "unknown-feature", "Did you mean \\\"mean_10m\\\"?"), ("/v1/features/custmer/mean_10m", 404, "unknown-entity", "Did you mean \\\"customer\\\"?"),
        ("/v1/features/customer", 404, "unknown-path", "Paths are"), ("/v1/features/customer/", 404, "unknown-path", "Paths are"), ("/v1/features?x=1", 400, "bad-request", "This path takes none."),
        ("/v1/features/customer/%ff", 400, "bad-key", "Encode it"),
    ])
    func aFeatureThatIsNotThereIsSaid(_ uri: String, _ status: Int, _ slug: String, _ remedy: String) async throws {
        let answer = try await get(uri, service: try ExplainedStore().service)
        #expect(answer.status == status)
        #expect(answer.body.contains("urn:millrace:problem:\(slug)") && answer.body.contains(remedy), "\(answer.body)")
    }
}
