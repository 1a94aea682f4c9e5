internal import FeatureStore

/// A token that `millrace token` makes: `mrt_` and 32 random bytes in base64url, 47 characters.
///
/// The definitions have its SHA-256 only. With 256 random bits there is nothing to guess, so that a slow hash, as passwords need, would only
/// cost the server time.
public enum BearerToken {
    public static func make() -> String {
        var random = SystemRandomNumberGenerator()
        return "mrt_" + base64URL((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })
    }

    /// As the definitions have it.
    public static func hash(_ token: String) -> String { SHA256.hash(token.utf8).hexadecimal }

    private static func base64URL(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var text: [UInt8] = [], held: UInt32 = 0, bits: UInt32 = 0
        for byte in bytes {
            held = held << 8 | UInt32(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                text.append(alphabet[Int(held >> bits & 63)])
            }
        }
        if bits > 0 { text.append(alphabet[Int(held << (6 - bits) & 63)]) }
        return String(decoding: text, as: UTF8.self)
    }
}
