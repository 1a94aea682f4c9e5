internal import Foundation
internal import JWTKit
internal import Synchronization
public import FeatureStore
public import Serving

/// JSON Web Tokens (RFC 7519), checked with the public keys of a JWK set in a file.
///
/// The signature is JWTKit's to check; which algorithms there are, and what the claims must say, is decided here: RS, PS, ES and EdDSA, never `none` or a shared
/// secret. Keys are made ready when the file is read, so that a token is checked at once, on whichever thread.
public final class SignedTokens: Sendable {
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    private struct Key: Sendable {
        let id: String?
        let algorithm: any JWTAlgorithm
    }

    private let settings: JWTSettings
    private let keys: Mutex<[Key]>
    /// As it was before it was read.
    private let file: Mutex<FileState>
    private let generation = Atomic(1)

    /// Reads the file.
    public init(_ settings: JWTSettings) async throws(Failure) {
        let file = FileState(reading: [settings.keys])
        let keys = try await Self.read(settings.keys)
        self.settings = settings
        self.file = Mutex(file)
        self.keys = Mutex(keys)
    }

    public var verifier: TokenVerifier {
        TokenVerifier(verify: { [self] in verify($0, now: $1) }, generation: { [self] in generation.load(ordering: .acquiring) })
    }

    /// Reads the file again when it has changed; while what is there is no key set, the keys stay what they were.
    ///
    /// - Returns: whether the keys are new.
    public func reloadIfChanged() async throws(Failure) -> Bool {
        guard file.withLock({ $0.hasChanged() }) else { return false }
        let new = try await Self.read(settings.keys)
        keys.withLock { $0 = new }
        generation.wrappingAdd(1, ordering: .releasing)
        return true
    }

    // MARK: Keys

    private static let rsa: [JWK.Algorithm] = [.rs256, .rs384, .rs512, .ps256, .ps384, .ps512]

    private static func read(_ path: String) async throws(Failure) -> [Key] {
        guard let data = FileManager.default.contents(atPath: path), data.count <= 1 << 20 else {
            throw Failure(description: "the key set \(path) cannot be read")
        }
        guard let set = try? JSONSerialization.jsonObject(with: data) as? [String: Any], let entries = set["keys"] as? [[String: Any]] else {
            throw Failure(description: "\(path) is no JWK set: an object with \"keys\"")
        }
        var keys: [Key] = []
        for (number, entry) in entries.enumerated() {
            let place = "\(path): keys[\(number)]"
            guard let kind = entry["kty"] as? String, ["RSA", "EC", "OKP"].contains(kind), entry["use"] as? String ?? "sig" == "sig" else { continue }
            guard entry["d"] == nil else { throw Failure(description: "\(place) is a private key; the server needs the public part only") }
            if kind == "RSA", (entry["n"] as? String)?.utf8.count ?? 0 < 342 { throw Failure(description: "\(place) has fewer than 2048 bits") }
            var own = entry
            own["kid"] = "key"
            for algorithm in algorithms(kind, entry) {
                own["alg"] = algorithm
                guard let bytes = try? JSONSerialization.data(withJSONObject: own), let text = String(data: bytes, encoding: .utf8) else { continue }
                do {
                    let collection = JWTKeyCollection()
                    try await collection.add(jwksJSON: "{\"keys\":[\(text)]}")
                    keys.append(Key(id: entry["kid"] as? String, algorithm: try await collection.getKey(for: "key")))
                } catch {
                    throw Failure(description: "\(place) is not a usable \(kind) key for \(algorithm): \(error)")
                }
            }
        }
        if keys.isEmpty { throw Failure(description: "\(path) has no RSA, EC or OKP key for signatures") }
        return keys
    }

    /// What a key may be used for: what it says, or what its kind can do.
    private static func algorithms(_ kind: String, _ entry: [String: Any]) -> [String] {
        let possible: [String] = switch kind {
        case "RSA": rsa.map(\.rawValue)
        case "EC": switch entry["crv"] as? String {
            case "P-256": ["ES256"]
            case "P-384": ["ES384"]
            case "P-521": ["ES512"]
            default: []
            }
        default: ["EdDSA"]
        }
        guard let named = entry["alg"] as? String else { return possible }
        return possible.filter { $0 == named }
    }

    // MARK: Tokens

    private func verify(_ token: [UInt8], now: Int64) -> TokenVerifier.Verdict {
        let parts = token.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.object(parts[0]), let claims = Self.object(parts[1]), let signature = Self.decoded(parts[2]) else {
            return .wrong("it is not three parts in base64url")
        }
        guard let algorithm = header["alg"] as? String, header["crit"] == nil else { return .wrong("its header is not understood") }
        let id = header["kid"] as? String
        let keys = keys.withLock { $0 }.filter { $0.algorithm.name == algorithm && (id == nil || $0.id == id) }
        // Without a name for it the key must be the only one of its kind.
        guard keys.count == 1, let key = keys.first else { return .wrong("no key is meant, or several are") }
        let signed = Data(token[..<parts[1].endIndex])
        guard (try? key.algorithm.verify(signature, signs: signed)) == true else { return .wrong("its signature is wrong") }
        return check(claims, now)
    }

    private func check(_ claims: [String: Any], _ now: Int64) -> TokenVerifier.Verdict {
        guard claims["iss"] as? String == settings.issuer else { return .wrong("another issuer") }
        let audiences = claims["aud"] as? [String] ?? (claims["aud"] as? String).map { [$0] } ?? []
        guard audiences.contains(settings.audience) else { return .wrong("another audience") }
        guard let expires = Self.time(claims["exp"]) else { return .wrong("it does not say when it expires") }
        let until = expires.addingReportingOverflow(settings.leeway).partialValue
        if now >= until { return .expired }
        if claims["nbf"] != nil {
            guard let begins = Self.time(claims["nbf"]), now >= begins - settings.leeway else { return .wrong("it is not valid yet") }
        }
        guard let name = claims[settings.principalClaim] as? String, !name.isEmpty else { return .wrong("it names no principal") }
        var permissions: [String]?
        if let claim = settings.permissionsClaim, let value = claims[claim] {
            permissions = value as? [String] ?? (value as? String)?.split(separator: " ").map(String.init) ?? []
        }
        return .valid(name: name, permissions: permissions, until: until)
    }

    /// A NumericDate, to µs; years up to 9999.
    private static func time(_ value: Any?) -> Int64? {
        guard let number = value as? NSNumber, case let seconds = number.doubleValue, seconds >= 0, seconds <= 253_402_300_799 else { return nil }
        return Int64(seconds * 1_000_000)
    }

    private static func object(_ part: ArraySlice<UInt8>) -> [String: Any]? {
        decoded(part).flatMap { try? JSONSerialization.jsonObject(with: $0) as? [String: Any] }
    }

    /// Base64url without padding; nil: it is none.
    private static func decoded(_ part: ArraySlice<UInt8>) -> Data? {
        var text = part.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "+") : $0 == UInt8(ascii: "_") ? UInt8(ascii: "/") : $0 }
        guard !part.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "=") }) else { return nil }
        while text.count % 4 != 0 { text.append(UInt8(ascii: "=")) }
        return Data(base64Encoded: Data(text))
    }
}
