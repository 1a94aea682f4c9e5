import FeatureStore
import Serving
import Synchronization
import TestSupport
import Testing

@Suite struct AccessGuardTests {
    private let clock = TestClock()

    private func settings(_ change: (inout AccessSettings) -> Void = { _ in }) -> AccessSettings {
        var settings = AccessSettings()
        for (name, expires) in [("a", nil), ("b", clock.now + 10_000_000)] as [(String, Int64?)] {
            var principal = PrincipalDefinition(name: name)
            principal.tokens = [TokenDefinition(sha256: SHA256.hash("token-\(name)".utf8), expires: expires)]
            principal.certificates = [CertificateName(.cn, name), CertificateName(.uri, "spiffe://shop/\(name)")]
            principal.grants.services = .only(["homepage"])
            settings.principals.append(principal)
        }
        change(&settings)
        return settings
    }

    private func guarded(_ settings: AccessSettings, verifier: TokenVerifier? = nil) -> AccessGuard {
        AccessGuard(settings, verifier: verifier, now: { [clock] in clock.now })
    }

    private func address(_ n: UInt8) -> ClientAddress { ClientAddress(text: "10.0.0.\(n)", bytes: [10, 0, 0, n]) }

    private func resolve(_ access: AccessGuard, _ field: String, from n: UInt8 = 1) -> Result<AccessGuard.Resolved, Refusal> {
        var field = field
        return field.withUTF8 { access.resolve(authorization: UnsafeRawBufferPointer($0), address(n)) }
    }

    private func name(_ access: AccessGuard, _ field: String, from n: UInt8 = 1) -> String {
        switch resolve(access, field, from: n) {
        case .success(let resolved): resolved.principal.name
        case .failure(let refusal): refusal.problem.slug
        }
    }

    @Test(arguments: [
        ("Bearer token-a", "a"), ("bearer token-a", "a"), ("BEARER   token-a ", "a"), ("Bearer token-b", "b"), ("Bearer token-c", "unauthenticated"),
        ("Bearer token-a2", "unauthenticated"), ("Bearer token-", "unauthenticated"), ("Bearer", "unauthenticated"), ("Bearer ", "unauthenticated"),
        ("Basic token-a", "unauthenticated"), ("token-a", "unauthenticated"), ("Bearer token-a,Bearer token-b", "unauthenticated"),
        ("Bearer token-a token-b", "unauthenticated"), ("Bearer\ttoken-a", "unauthenticated"), ("Bearer tökén", "unauthenticated"),
    ])
    func `whose a field is`(field: String, expected: String) {
        #expect(name(guarded(settings()), field) == expected)
    }

    @Test func `a credential longer than 8 KiB is none`() {
        #expect(name(guarded(settings()), "Bearer " + String(repeating: "x", count: 9_000)) == "unauthenticated")
    }

    @Test func `a token expires`() throws {
        let access = guarded(settings())
        #expect(try resolve(access, "Bearer token-b").get().lasts == 10_000_000)
        clock.advance(9_999_999)
        #expect(name(access, "Bearer token-b") == "b")
        clock.advance(1)
        #expect(name(access, "Bearer token-b") == "unauthenticated")
        #expect(name(access, "Bearer token-a") == "a")
    }

    @Test func `certificates name principals`() {
        let access = guarded(settings())
        #expect(access.resolve(certificate: [CertificateName(.dns, "x"), CertificateName(.uri, "spiffe://shop/b")])?.name == "b")
        #expect(access.resolve(certificate: [CertificateName(.dns, "a")]) == nil)
        #expect(access.resolve(certificate: []) == nil)
    }

    @Test func `an address with too many wrong ones is not listened to until the window is over`() {
        let access = guarded(settings { $0.failures.limit = 3 })
        for _ in 0..<3 { #expect(name(access, "Bearer wrong") == "unauthenticated") }
        // Even the right one: else a guess would show.
        #expect(name(access, "Bearer token-a") == "too-many-failures")
        #expect(name(access, "Bearer token-a", from: 2) == "a")
        clock.advance(30_000_000)
        guard case .failure(let refusal) = resolve(access, "Bearer token-a") else { return #expect(Bool(false)) }
        #expect(refusal.problem.httpStatus == 429 && refusal.problem.grpcCode == 8 && refusal.problem.retryAfterSeconds == 31)
        clock.advance(30_000_001)
        #expect(name(access, "Bearer token-a") == "a")
    }

    /// A million addresses, one slot table.
    @Test func `the table of addresses does not grow and keeps who is blocked`() {
        let limit = FailureLimit(FailureSettings())
        let blocked = ClientAddress(text: "", bytes: [9, 9, 9, 9])
        for _ in 0..<20 { _ = limit.note(blocked, isWrong: true, now: 0) }
        for n in 0..<200_000 {
            _ = limit.note(ClientAddress(text: "", bytes: (0..<4).map { UInt8(truncatingIfNeeded: n >> ($0 * 8)) }), isWrong: true, now: 1)
        }
        #expect(limit.blocked(blocked, now: 2) != nil)
        #expect(limit.blocked(blocked, now: 60_000_001) == nil)
    }

    @Test func `addresses of one IPv6 network count together`() {
        let access = guarded(settings { $0.failures.limit = 2 })
        func ask(_ last: UInt8, _ network: UInt8) -> String {
            var field = "Bearer wrong"
            let bytes = [0x20, 0x01, 0, 0, 0, 0, 0, network] + [UInt8](repeating: last, count: 8)
            let result = field.withUTF8 { access.resolve(authorization: UnsafeRawBufferPointer($0), ClientAddress(text: "", bytes: bytes)) }
            if case .failure(let refusal) = result { return refusal.problem.slug }
            return ""
        }
        #expect(ask(1, 1) == "unauthenticated" && ask(2, 1) == "unauthenticated")
        #expect(ask(3, 1) == "too-many-failures" && ask(3, 2) == "unauthenticated")
    }

    // MARK: JWT

    private func verifier(_ count: Atomic2, _ generation: Atomic2, permissions: [String]? = nil) -> TokenVerifier {
        TokenVerifier(verify: { [clock] token, now in
            count.add()
            let text = String(decoding: token, as: UTF8.self)
            if text == "a.b.old" { return .expired }
            return text == "a.b.c" ? .valid(name: "a", permissions: permissions, until: clock.now + 5_000_000) : .wrong("")
        }, generation: { generation.value })
    }

    private final class Atomic2: Sendable {
        private let number = Atomic(0)
        var value: Int { number.load(ordering: .relaxed) }
        func add() { number.wrappingAdd(1, ordering: .relaxed) }
    }

    @Test func `a JWT is verified once, until it expires or the keys change`() throws {
        let count = Atomic2(), generation = Atomic2()
        let access = guarded(settings(), verifier: verifier(count, generation))
        for _ in 0..<10 { #expect(name(access, "Bearer a.b.c") == "a") }
        #expect(count.value == 1)
        generation.add()
        #expect(name(access, "Bearer a.b.c") == "a" && count.value == 2)
        clock.advance(5_000_001)
        #expect(name(access, "Bearer a.b.c") == "a" && count.value == 3)
        #expect(name(access, "Bearer a.b.x") == "unauthenticated")
        #expect(name(access, "Bearer a.b.old") == "unauthenticated")
        // Not two dots: a token of ours.
        #expect(name(access, "Bearer token-a") == "a" && count.value == 5)
    }

    @Test func `a JWT has its principal's permissions, or its own`() throws {
        let named = guarded(settings(), verifier: verifier(Atomic2(), Atomic2()))
        #expect(try resolve(named, "Bearer a.b.c").get().principal.permits(.service("homepage")))
        let own = guarded(settings(), verifier: verifier(Atomic2(), Atomic2(), permissions: ["service:checkout", "push:*", "metrics", "openid"]))
        let principal = try resolve(own, "Bearer a.b.c").get().principal
        #expect(principal.permits(.service("checkout")) && !principal.permits(.service("homepage")))
        #expect(principal.permits(.push(view: "any")) && principal.permits(.metrics) && !principal.permits(.admin) && !principal.permits(.erase))
    }

    @Test func `nothing is permitted that is not granted`() {
        let nobody = Principal(name: "n", credential: .token, grants: Grants())
        let needs: [Need] = [.anything, .catalogue, .service("s"), .entity("e"), .entities([]), .entities(["e"]), .push(view: "v"), .erase, .metrics, .admin]
        for need in needs { #expect(!nobody.permits(need)) }
        #expect(nobody.permits(.open))
        var grants = Grants()
        grants.entities = .only(["a"])
        let some = Principal(name: "s", credential: .token, grants: grants)
        #expect(some.permits(.entity("a")) && some.permits(.entities([])) && !some.permits(.entities(["a", "b"])) && !some.permits(.entity("b")))
    }
}
