import FeatureStore
import Foundation
import TestSupport
import Testing

@Suite struct PseudonymTests {
    /// As OpenSSL's SIPHASH with 16 bytes gives them, and the table of the reference code: key 00 01 ... 0f, input 00 01 ... of so many bytes.
    @Test(arguments: [
        (0, "a3817f04ba25a8e66df67214c7550293"), (1, "da87c1d86b99af44347659119b22fc45"), (2, "8177228da4a45dc7fca38bdef60affe4"),
        (7, "a1f1ebbed8dbc153c0b84aa61ff08239"), (8, "3b62a9ba6258f5610f83e264f31497b4"), (15, "5493e99933b0a8117e08ec0f97cfc3d9"),
        (16, "6ee2a4ca67b054bbfd3315bf85230577"), (63, "5150d1772f50834a503e069a973fbd7c"),
    ])
    func `SipHash gives the published vectors`(length: Int, expected: String) throws {
        let key = try #require(PseudonymKey(hexadecimal: "000102030405060708090a0b0c0d0e0f"))
        let pseudonym = (0..<length).map { UInt8($0) }.withUnsafeBytes { key.pseudonym($0) }
        #expect("\(pseudonym)" == expected)
    }

    @Test func `a key is 32 hexadecimal digits and is never printed`() throws {
        for text in ["", "00", String(repeating: "g", count: 32), String(repeating: "0", count: 33), "+102030405060708090a0b0c0d0e0f00"] {
            #expect(PseudonymKey(hexadecimal: text) == nil, "\(text)")
        }
        let key = try #require(PseudonymKey(hexadecimal: "0123456789abcdeffedcba9876543210"))
        #expect("\(key)".hasPrefix("key with the fingerprint "))
        #expect(!"\(key)".contains("0123456789abcdef") && !"\(key)".contains("efcdab8967452301"))
        // The same id of two entities has two pseudonyms, with two keys as well.
        let other = try #require(PseudonymKey(hexadecimal: "0123456789abcdeffedcba9876543211"))
        let all = [key, other].flatMap { key in
            ["customer", "product"].map { name in Array("c1".utf8).withUnsafeBytes { key.ofEntity(name).pseudonym($0) } }
        }
        #expect(Set(all).count == 4)
    }

    private static let shop = """
        version: 1
        name: shop
        entities: {customer: {pseudonymous: true}, product: {}}
        streams:
          clicks:
            topic: clicks
            keys: {customer: customer_id, product: product.id}
            time: {path: time, format: epoch_ms}
            fields: {who: {type: string, path: customer_id}, product: {type: string, path: product.id}}
        views:
          of_customer: {entity: customer, stream: clicks, windows: [1h], features: {seen: {aggregation: last_n, field: product, n: 3}}}
          of_product: {entity: product, stream: clicks, windows: [1h], features: {who: {aggregation: FIRST, field: who}}}
        """

    private func faults(_ yaml: String) -> String {
        do {
            _ = try Definitions.load(yaml: yaml, file: "x.yaml")
            return ""
        } catch { return error.faults.map { "\($0)" }.joined(separator: "\n") }
    }

    @Test func `definitions name what is missing`() throws {
        let directory = TemporaryDirectory()
        let key = directory.path + "/p.key"
        try "0123456789abcdeffedcba9876543210\n".write(toFile: key, atomically: true, encoding: .utf8)
        let base = Self.shop.replacing("FIRST", with: "distinct_count")
        #expect(faults(base).contains("its keys need a secret") && faults(base).contains("openssl rand -hex 16"))
        let whole = base + "\nprivacy: {key: {file: \(key)}, erasures: {topic: erasures, purge_within: 1h}}\n"
        let loaded = try Definitions.load(yaml: whole, file: "x.yaml")
        #expect(loaded.privacy.erasures?.entities == ["customer"] && loaded.erasureStream == 1 && loaded.privacy.erasures?.purgeWithin == .hours(1))
        #expect(faults(base + "\nprivacy: {key: {file: nowhere.key}}\n").contains("`nowhere.key` cannot be read"))
        try "zz".write(toFile: key, atomically: true, encoding: .utf8)
        #expect(faults(whole).contains("is not 32 hexadecimal digits"))
        #expect(faults(base + "\nprivacy: {erasures: {topic: clicks}}\n").contains("is one of stream `clicks`, too"))
        #expect(faults(base + "\nprivacy: {erasures: {topic: e, entities: [shop]}}\n").contains("there is no entity `shop`"))
        #expect(faults(base + "\nprivacy: {erasure: {topic: e}}\n").contains("did you mean `erasures`?"))
    }

    @Test(arguments: [("last", true), ("first", true), ("distinct_count", false)])
    func `ids of whom can be erased are not kept in rows of others`(aggregation: String, isFault: Bool) {
        let yaml = Self.shop.replacing("FIRST", with: aggregation).replacing("{pseudonymous: true}", with: "{}")
        #expect(faults(yaml) == "")
        let erasing = faults(yaml + "\nprivacy: {erasures: {topic: erasures}}\n")
        #expect(erasing.contains("keeps ids of customer in rows of product, where an erasure does not find them") == isFault, "\(erasing)")
        // Products are nobody's personal data, unless somebody says so.
        let both = faults(yaml + "\nprivacy: {erasures: {topic: erasures, entities: [customer, product]}}\n")
        #expect(both.contains("`seen_1h` keeps ids of product in rows of customer"))
    }
}
