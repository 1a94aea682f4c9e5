import FeatureStore
import Foundation
import TestSupport
import Testing

/// `access:`, `server.tls`, `audit:` and the files that `kafka:` names.
@Suite struct AccessDefinitionTests {
    private static let hash = String(repeating: "0a", count: 32), other = String(repeating: "0b", count: 32)
    private let directory = TemporaryDirectory()

    init() { for name in ["jwks.json", "a.pem", "a.key"] { FileManager.default.createFile(atPath: directory.file(name), contents: Data("x".utf8)) } }

    private func load(_ more: String, server: String = "", environment: [String: String] = [:]) -> Result<Definitions, DefinitionFaults> {
        var yaml = FaultTests.good
        if !server.isEmpty { yaml = yaml.replacing("server: {http: \"127.0.0.1:8080\", grpc: \"127.0.0.1:8081\", ready_lag: 10}", with: server) }
        do throws(DefinitionFaults) {
            return .success(try Definitions.load(yaml: yaml + more + "\n", file: directory.file("shop.yaml"), environment: environment))
        } catch {
            return .failure(error)
        }
    }

    private func faults(_ more: String) -> String { if case .failure(let faults) = load(more) { faults.description } else { "" } }

    @Test func `everything of access`() throws {
        let access = try load("""
            access:
              principals:
                homepage:
                  tokens: [{sha256: \(Self.hash), expires: 2027-06-30T00:00:00Z}, {sha256: "\(Self.other.uppercased())"}]
                  certificates: ["cn:home", "uri:spiffe://a:1/b"]
                  services: [home]
                  entities: "*"
                on-call@shop: {services: ["*"], push: [], erase: true, metrics: true, admin: true}
              jwt: {keys: jwks.json, issuer: i, audience: a, leeway: 5s, principal_claim: client, permissions_claim: scope}
              failures: {limit: 5, window: 10s}
            """).get().access
        let first = try #require(access?.principals.first), second = try #require(access?.principals.last)
        #expect(first.tokens == [.init(sha256: Array(repeating: 10, count: 32), expires: 1_814_313_600_000_000), .init(sha256: Array(repeating: 11, count: 32))])
        #expect(first.certificates == [.init(.cn, "home"), .init(.uri, "spiffe://a:1/b")])
        #expect(first.grants.services == .only(["home"]) && first.grants.entities == .all && first.grants.push.isEmpty && !first.grants.erase)
        #expect(second.grants.services == .all && second.grants.erase && second.grants.metrics && second.grants.admin)
        #expect(access?.jwt?.keys == directory.file("jwks.json") && access?.jwt?.leeway == .seconds(5))
        #expect(access?.jwt?.principalClaim == "client" && access?.jwt?.permissionsClaim == "scope")
        #expect(access?.failures.limit == 5 && access?.failures.window == .seconds(10))
    }

    @Test(arguments: [
        ("access: {}", "access lets nobody in", "open: true"),
        ("access: {open: yes}", "open must be true or false", "open: true"),
        ("access: {open: true, principals: {}}", "access is open and has principals", "remove"),
        ("access: {principal: {a: {}}}", "no key `principal`", "did you mean `principals`?"),
        ("access: {principals: {a b: {}}}", "not a valid name of a principal", "printable"),
        ("access: {principals: {a: {service: [home]}}}", "no key `service`", "did you mean `services`?"),
        ("access: {principals: {a: {services: [hom]}}}", "`hom`, which is none of the feature services", "did you mean `home`?"),
        ("access: {principals: {a: {entities: [customers]}}}", "none of the entities", "did you mean `customer`?"),
        ("access: {principals: {a: {push: [x]}}}", "none of the pushed views", "there is no name yet"),
        ("access: {principals: {a: {services: home}}}", "must be a list", "\"*\" for all"),
        ("access: {principals: {a: {certificates: [home]}}}", "does not name a certificate", "cn:NAME"),
        ("access: {principals: {a: {tokens: [mrt_secret]}}}", "not written as its hash", "sha256: ..."),
        ("access: {principals: {a: {tokens: [{sha256: mrt_secret}]}}}", "is not a SHA-256 hash", "millrace token --hash"),
        ("access: {principals: {a: {tokens: [{expires: 2027-01-01T00:00:00Z}]}}}", "has no `sha256`", "millrace token"),
        ("access: {principals: {a: {tokens: [{sha256: \(hash), expires: tomorrow}]}}}", "expires must be a time", "2027-06-30"),
        ("access: {principals: {a: {tokens: [{sha256: \(hash)}]}, b: {tokens: [{sha256: \(hash)}]}}}", "`a` and `b` have a token in common", "one principal"),
        ("access: {principals: {a: {certificates: [\"cn:x\"]}, b: {certificates: [\"cn:x\"]}}}", "certificate `cn:x` in common", "one principal"),
        ("access: {principals: {a: {}}, jwt: {issuer: i, audience: a}}", "jwt has no `keys`", "jwks.json"),
        ("access: {principals: {a: {}}, jwt: {keys: nowhere.json, issuer: i, audience: a}}", "nowhere.json` cannot be read", "JWK set"),
        ("access: {principals: {a: {}}, jwt: {keys: jwks.json, issuer: i}}", "has no `audience`", "aud"),
        ("access: {principals: {a: {}}, failures: {limit: 0}}", "outside 1...1000000", "whole number"),
        ("audit: {}", "audit has no `file`", "audit.ndjson"),
        ("audit: {file: a, topic: clicks}", "is a topic of stream `clicks`", "nothing else uses"),
        ("privacy: {erasures: {topic: gone}}\naudit: {file: a, topic: gone}", "is a topic of stream `erasures`", "nothing else uses"),
        ("audit: {file: a, on_failure: ignore}", "on_failure cannot be `ignore`", "refuse, continue"),
        ("audit: {file: a, events: [push]}", "events cannot be `push`", "did you mean `pushes`?"),
        ("audit: {file: a, lookups: some}", "all, none or a share", "0.01"),
        ("audit: {file: a, lookups: 2}", "all, none or a share", "0.01"),
    ])
    func mistakes(more: String, message: String, remedy: String) {
        let faults = faults(more)
        #expect(faults.contains(message) && faults.contains(remedy), "\(faults)")
        #expect(!faults.contains("mrt_secret"))
    }

    @Test func `everything of audit`() throws {
        let audit = try #require(try load("audit: {file: log/a.ndjson, max_file_size: 1MiB, topic: audit, on_failure: continue, events: [pushes], lookups: 0.25, entity_keys: true}").get().audit)
        #expect(audit.file == directory.file("log/a.ndjson") && audit.maxFileBytes == 1 << 20 && audit.topic == "audit" && audit.onFailure == .continue)
        #expect(audit.events == [.pushes, .lookups] && audit.lookupsPerMillion == 250_000 && audit.hasEntityKeys)
        let usual = try #require(try load("audit: {file: a}").get().audit)
        #expect(usual.onFailure == .refuse && usual.events == [.refusals, .pushes, .erasures, .admin, .explain] && !usual.hasEntityKeys)
    }

    @Test func `certificates of the server`() throws {
        func tls(_ text: String) throws -> TLSSettings? { try load("", server: "server: {tls: {\(text)}}").get().server.tls }
        #expect(try tls("certificate: a.pem, key: a.key") == TLSSettings(certificate: directory.file("a.pem"), key: directory.file("a.key")))
        #expect(try tls("certificate: a.pem, key: a.key, client_ca: a.pem")?.clientCertificates == .request)
        #expect(try tls("certificate: a.pem, key: a.key, client_ca: a.pem, client_certificates: require")?.clientCertificates == .require)
        for (text, message) in [
            ("certificate: a.pem", "tls has no `key`"), ("certificate: b.pem, key: a.key", "b.pem` cannot be read"),
            ("certificate: a.pem, key: a.key, client_certificates: require", "there is no `client_ca`"),
            ("certificate: a.pem, key: a.key, client_certificates: demand, client_ca: a.pem", "client_certificates cannot be `demand`"),
        ] {
            guard case .failure(let faults) = load("", server: "server: {tls: {\(text)}}") else { return #expect(Bool(false), "\(text)") }
            #expect(faults.description.contains(message))
        }
    }

    @Test(arguments: [
        ("127.0.0.1:80", 0), ("127.1.2.3:80", 0), ("localhost:80", 0), ("[::1]:80", 0), ("0.0.0.0:80", 1), ("[::]:80", 1), ("10.0.0.1:80", 1), ("127.0.0.1.example:80", 1),
        ("127.example:80", 1), ("millrace:80", 1),
    ])
    func `an address that others reach needs access`(address: String, count: Int) throws {
        let server = "server: {http: \"\(address)\", grpc: \"127.0.0.1:8081\"}"
        let exposed = try load("", server: server).get().exposure
        #expect(exposed.count == count && exposed.allSatisfy { $0.line > 1 && $0.message.contains("nothing says who may ask it") })
        #expect(try load("access: {open: true}", server: server).get().exposure.isEmpty)
        let byVariable = try load("", environment: ["MILLRACE_GRPC": address]).get().exposure
        #expect(byVariable.map(\.file) == Array(repeating: "MILLRACE_GRPC", count: count))
    }

    @Test func `files of the brokers' connection are relative to the definitions and there`() throws {
        func kafka(_ text: String) -> Result<Definitions, DefinitionFaults> {
            do throws(DefinitionFaults) {
                return .success(try Definitions.load(
                    yaml: FaultTests.good.replacing("properties: {session.timeout.ms: 6000}", with: "properties: {\(text)}"), file: directory.file("shop.yaml")))
            } catch { return .failure(error) }
        }
        let properties = try kafka("ssl.ca.location: a.pem, ssl.key.location: \"a.key\", sasl.password: {file: a.key}, ssl.cipher.suites: a").get().kafka.properties
        #expect(properties == ["ssl.ca.location": directory.file("a.pem"), "ssl.key.location": directory.file("a.key"), "sasl.password": "x", "ssl.cipher.suites": "a"])
        #expect(try kafka("ssl.ca.location: probe").get().kafka.properties == ["ssl.ca.location": "probe"])
        guard case .failure(let faults) = kafka("ssl.certificate.location: nowhere.pem") else { return #expect(Bool(false)) }
        #expect(faults.description.contains("nowhere.pem` cannot be read") && faults.description.contains("check `ssl.certificate.location`"))
    }
}
