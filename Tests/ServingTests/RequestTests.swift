import FeatureStore
import Serving
import TestSupport
import Testing

@Suite struct RequestTests {
    private func request(_ json: String) throws(LookupProblem) -> LookupRequest {
        let bytes = Array(json.utf8)
        let result: Result<LookupRequest, LookupProblem> = bytes.withUnsafeBytes { buffer in
            do throws(LookupProblem) {
                return .success(try LookupRequest(json: buffer, maxKeys: 3))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    @Test func readsAllMembers() throws {
        let read = try request(
            #" { "service" : "home\u0070age", "keys":["c1","\ud83d\uded2\n"], "as_of":"2026-01-01T01:00:00.5+01:00","max_staleness":"5s"} "#)
        #expect(read == LookupRequest(.service("homepage"), keys: ["c1", "🛒\n"], asOf: LookupDouble.now + 500_000, maxStaleness: 5_000_000))
        #expect(
            try request(#"{"features":["a"],"keys":["k"],"as_of":17,"max_staleness":250}"#)
                == LookupRequest(.features(["a"]), keys: ["k"], asOf: 17, maxStaleness: 250))
        #expect(
            try request(#"{"features":["a"],"service":null,"keys":["k"],"as_of":null}"#) == LookupRequest(.features(["a"]), keys: ["k"]))
    }

    @Test func readsInputs() throws {
        let read = try request(#"{"service":"a","keys":["k"],"inputs":{"basket":59.90,"big":-1.5E+3,"device":"mob\u0069le","quick":true,"slow":false,"none":null}}"#)
        #expect(read.inputs == [
            "basket": .number("59.90"), "big": .number("-1.5E+3"), "device": .string("mobile"), "quick": .bool(true), "slow": .bool(false), "none": .null])
        #expect(try request(#"{"service":"a","keys":["k"],"inputs":{}}"#).inputs.isEmpty)
        #expect(try request(#"{"service":"a","keys":["k"],"inputs":null}"#).inputs.isEmpty)
    }

    @Test(arguments: [
        ("", "At byte 0: the JSON ends in the middle of a value."),
        ("[]", "At byte 0: the body is not an object."),
        (#"{"keys":["a" "b"]}"#, "At byte 13: a byte that JSON does not allow here."),
        (#"{"keys":[1]}"#, "At byte 9: \"keys\"[0] is not a string."),
        (#"{"keys":[null]}"#, "At byte 13: \"keys\"[0] is not a string."),
        (#"{"keys":null}"#, "At byte 12: \"keys\" is not an array."),
        (#"{"keys":"a"}"#, "At byte 8: \"keys\" is not an array."),
        (#"{"keys":["a"],}"#, "At byte 14: a byte that JSON does not allow here."),
        (#"{"keys":["a"]"#, "At byte 13: the JSON ends in the middle of a value."),
        (#"{"keys":["a"]}x"#, "At byte 14: more bytes after the end of the JSON value."),
        (#"{"keys":["a\x"]}"#, "At byte 11: an escape sequence that does not exist or is half of a surrogate pair."),
        (#"{"keys":["\ud800"]}"#, "At byte 10: an escape sequence that does not exist or is half of a surrogate pair."),
        (#"{"keys":["\udc00"]}"#, "At byte 10: an escape sequence that does not exist or is half of a surrogate pair."),
        (#"{"keys":["abc"#, "At byte 13: the JSON ends in the middle of a value."),
        ("{\"keys\":[\"a\nb\"]}", "At byte 11: an unescaped control character in a string."),
        (#"{"as_of":1.5}"#, "At byte 9: \"as_of\" is not a whole number."),
        (#"{"as_of":01}"#, "At byte 9: a number that JSON does not allow."),
        (#"{"as_of":99999999999999999999}"#, "At byte 9: \"as_of\" does not fit in 64 bits."),
        (#"{"as_of":1,"as_of":2}"#, "At byte 11: \"as_of\" is given twice."),
        (#"{"service":"a","kees":["k"]}"#, "At byte 15: there is no member \"kees\"."),
        (#"{"keys":["k"]}"#, "The body names neither a service nor features."),
        (#"{"service":"a","features":["b"],"keys":["k"]}"#, "The body names a service and features."),
        (#"{"keys":["1","2","3","4"]}"#, "\"keys\" has more than 3 elements."),
        (#"{"inputs":[]}"#, "At byte 10: \"inputs\" is not an object."),
        (#"{"inputs":{"a":1,"a":2}}"#, "At byte 17: the input \"a\" is given twice."),
        (#"{"inputs":{"a":[1]}}"#, "At byte 15: the input \"a\" is not a number, a string, true, false or null."),
        (#"{"inputs":{"a":1.}}"#, "At byte 17: a number that JSON does not allow."),
        (#"{"inputs":{"a":tru}}"#, "At byte 18: a byte that JSON does not allow here."),
        (#"{"as_of":"yesterday"}"#, "as_of is \"yesterday\", which is not a time."),
        (#"{"max_staleness":"5 parsecs"}"#, "max_staleness is \"5 parsecs\", which is not a duration."),
    ])
    func refusesWithThePlace(_ json: String, _ detail: String) {
        let problem = #expect(throws: LookupProblem.self) { try request(json) }
        #expect(problem?.detail == detail)
        #expect(problem?.httpStatus == 400)
        #expect(problem?.remedy.isEmpty == false)
    }

    @Test func refusesInvalidUTF8() {
        let bytes = Array("{\"keys\":[\"".utf8) + [0xff, 0xfe] + Array("\"]}".utf8)
        #expect(throws: LookupProblem.self) { try bytes.withUnsafeBytes { try LookupRequest(json: $0, maxKeys: 3) } }
    }

    /// Every prefix and every one-byte change of a good body is answered or refused: no trap, no hang.
    @Test func survivesBrokenBodies() {
        let good = Array(#"{"service":"h\u00e9\ud83d\uded2","keys":["c1","c2"],"as_of":-12,"max_staleness":"5s","features":null}"#.utf8)
        for length in 0..<good.count { _ = try? good[..<length].withUnsafeBytes { try LookupRequest(json: $0, maxKeys: 3) } }
        for index in good.indices {
            for byte in UInt8.min...UInt8.max {
                var broken = good
                broken[index] = byte
                _ = try? broken.withUnsafeBytes { try LookupRequest(json: $0, maxKeys: 3) }
            }
        }
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", Int64(0)), ("2000-02-29t12:00:00.1234567z", 951_825_600_123_456), ("2026-01-01T00:00:00+00:00", LookupDouble.now),
        ("2025-12-31 19:00:00-05:00", LookupDouble.now), ("2025-12-31T23:59:60Z", LookupDouble.now - 1),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ])
    func readsTimes(_ text: String, _ expected: Int64) { #expect(TimeText.parse(text) == expected) }

    @Test(arguments: [
        "", "2026", "2026-13-01T00:00:00Z", "2025-02-29T00:00:00Z", "1900-01-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Z ", "2026-01-01T00:00:00+0100", "2026-1-1T00:00:00Z", "２026-01-01T00:00:00Z",
    ])
    func refusesTimes(_ text: String) { #expect(TimeText.parse(text) == nil) }

    @Test(arguments: [("250ms", Int64?(250_000)), ("5s", 5_000_000), ("2d", 172_800_000_000), ("7us", 7), ("1µs", 1), ("3m", 180_000_000), ("1h", 3_600_000_000), ("5", nil), ("s", nil), ("-5s", nil), ("1.5s", nil), ("9223372036854775807d", nil), ("٣s", nil)])
    func readsDurations(_ text: String, _ expected: Int64?) { #expect(DurationText.parse(text, fine: true) == expected) }
}
