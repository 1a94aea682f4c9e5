import JSONBytes
import TestSupport
import Testing

@Suite struct JSONStringTests {
    private func unescape(_ raw: String) throws -> String {
        let bytes = Array(raw.utf8)
        return try bytes.withUnsafeBytes { buffer in
            try withUnsafeTemporaryAllocation(byteCount: buffer.count, alignment: 1) { room in
                let string = JSONString(bytes: buffer, position: 100, hasEscapes: true)
                return String(decoding: room[..<(try string.unescape(into: room))], as: UTF8.self)
            }
        }
    }

    @Test(arguments: [
        ("", ""), ("plain", "plain"), (#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"), (#"\u0041"#, "A"), (#"\u00e9\u00E9"#, "éé"),
        (#"\u20ac"#, "€"), (#"\ud83d\ude00!"#, "😀!"), (#"\u0000"#, "\0"), (#"é\u0301"#, "é\u{301}"), (#"\uffff"#, "\u{ffff}"),
        (#"\ud800\udc00"#, "\u{10000}"), (#"\udbff\udfff"#, "\u{10ffff}"),
    ])
    func resolves(_ raw: String, _ text: String) throws { #expect(try unescape(raw) == text) }

    @Test(arguments: [#"\ud800"#, #"\udc00"#, #"\ud800x"#, #"\ud800\n"#, #"\ud800\ud800"#, #"\ud83d\u0041"#, #"\ud800\udc0"#, #"\"#, #"\q"#, #"\u12"#])
    func refusesHalfPairsAndUnknownEscapes(_ raw: String) {
        #expect(throws: JSONError(.badEscape, at: 100)) { try unescape(raw) }
    }

    @Test func validatesUTF8AsSwiftDoes() {
        var random = SeededGenerator(seed: 11)
        let leads: [UInt8] = [0x41, 0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff, 0x9f, 0xa0, 0x90, 0x8f]
        var valid = 0
        for _ in 0..<200_000 {
            let bytes = (0..<random.below(12)).map { _ in leads[random.below(leads.count)] }
            let isValid = String(validating: bytes, as: UTF8.self) != nil
            if isValid { valid += 1 }
            #expect(bytes.withUnsafeBytes { UTF8Validation.isValid($0) } == isValid, "\(bytes)")
        }
        for scalar in stride(from: UInt32(0), through: 0x10ffff, by: 7).compactMap(Unicode.Scalar.init) {
            let bytes = Array("abcdefgh\(Character(scalar))".utf8)
            #expect(bytes.withUnsafeBytes { UTF8Validation.isValid($0) })
        }
        #expect(valid > 10_000)
    }
}
