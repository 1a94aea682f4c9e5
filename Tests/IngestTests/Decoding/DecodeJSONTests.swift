import FeatureStore
import Ingest
import Testing

/// A stream with one field and the keys `k`, time `t` in seconds, so that a test says only what it is about.
func decoder(
    _ type: FieldType, path: String = "v", time: EventTime.Format = .epochSeconds, id: String? = nil
) -> EventDecoder {
    Streams.decoder(StreamDefinition(
        name: "s", topic: "s", keys: [EntityKey(entity: "customer", path: FieldPath("k"))],
        time: EventTime(path: time == .kafka ? nil : FieldPath("t"), format: time), idPath: id.map { FieldPath($0) },
        fields: [FieldDefinition(name: "v", path: FieldPath(path), type: type)]))
}

/// The value of the field when the event's other parts are in order.
private func value(_ type: FieldType, _ json: String) -> String {
    switch decoder(type).decode(#"{"k":"a","t":1700000000,"v":\#(json)}"#) {
    case .event(let event): "\(event.values[1])"
    case .dropped(_, let what): String(what.split(separator: ") ", maxSplits: 1)[1].prefix { $0 != "(" }.dropLast())
    }
}

@Suite struct DecodeJSONTests {
    @Test func aClick() throws {
        let text = #"""
            {"event_id":"c-1","customer_id":"42","event_time":"2026-03-01T12:00:00.25Z","page":"product","extra":[{"a":1}],
             "product":{"id":"p-7","category":"sho\u0065s","price":"12.99"},"session_id":null,"device":"DEVICE_PHONE"}
            """#
        #expect(Streams.decoder(Streams.click(.json)).decode(text) == .event(DecodedEvent(
            values: [.string("42"), .string("p-7"), .string("product"), .string("shoes"), .integer(1299), .null, .string("DEVICE_PHONE")],
            time: 1_772_366_400_250_000, id: hash("c-1"))))
    }

    @Test(arguments: [
        (#""a""#, #"string("a")"#), (#""""#, #"string("")"#), (#""\u00e9\n""#, #"string("é\n")"#), ("null", "null"),
        ("1", "has a value of another type than the stream declares"), ("true", "has a value of another type than the stream declares"),
        ("{}", "has a value of another type than the stream declares"), (#"["a"]"#, "has a value of another type than the stream declares"),
        (#""\ud800""#, "has a bad escape sequence in a string"),
    ])
    func strings(_ json: String, _ result: String) { #expect(value(.string, json) == result) }

    @Test func lengths() {
        let fits = String(repeating: "é", count: 512)
        #expect(value(.string, "\"\(fits)\"") == "string(\"\(fits)\")")
        #expect(value(.string, "\"\(fits)x\"") == "has more than 1024 bytes")
        #expect(value(.string, "\"" + String(repeating: "\\u0041", count: 1024) + "\"") == "string(\"\(String(repeating: "A", count: 1024))\")")
        #expect(value(.string, "\"" + String(repeating: "\\u0041", count: 1025) + "\"") == "has more than 1024 bytes")
        let key = String(repeating: "k", count: 480)
        #expect(decoder(.string).decode(#"{"k":"\#(key)","t":1700000000}"#).event != nil)
        #expect(decoder(.string).decode(#"{"k":"\#(key)x","t":1700000000}"#).fault == "malformed: key `customer` (k) has more than 480 bytes (byte 6)")
    }

    @Test(arguments: [
        ("12.99", "integer(1299)"), (#""12.99""#, "integer(1299)"), (#""\u0031""#, "integer(100)"), ("1e2", "integer(10000)"),
        ("0.125", "integer(12)"), ("null", "null"), ("true", "has a value of another type than the stream declares"),
        (#""""#, "is not a number"), (#"" 1""#, "is not a number"), (#""1,5""#, "is not a number"), ("1e30", "is beyond the range of its type"),
        ("-92233720368547758.08", "is beyond the range of its type"), ("-92233720368547758.07", "integer(-9223372036854775807)"),
    ])
    func decimals(_ json: String, _ result: String) { #expect(value(.decimal(scale: 2), json) == result) }

    @Test(arguments: [
        ("7", "integer(7)"), (#""7""#, "integer(7)"), ("7.0", "integer(7)"), ("7.5", "is not a whole number"), (#""7.5""#, "is not a number"),
        ("9223372036854775807", "integer(9223372036854775807)"), ("9223372036854775808", "is beyond the range of its type"),
        ("-9223372036854775808", "is beyond the range of its type"), ("-9223372036854775807", "integer(-9223372036854775807)"),
        ("[]", "has a value of another type than the stream declares"), ("false", "has a value of another type than the stream declares"),
    ])
    func integers(_ json: String, _ result: String) { #expect(value(.int64, json) == result) }

    @Test(arguments: [
        ("true", "integer(1)"), ("false", "integer(0)"), ("null", "null"), ("1", "has a value of another type than the stream declares"),
        (#""true""#, "has a value of another type than the stream declares"),
    ])
    func bools(_ json: String, _ result: String) { #expect(value(.bool, json) == result) }

    @Test(arguments: [
        (#""a""#, "a"), ("42", "42"), ("-42", "-42"), ("42.0", "42"), ("4.2e1", "42"), ("-0", "0"), ("18446744073709551615", "18446744073709551615"),
        (#""\u0061""#, "a"), (#""é""#, "é"), (#""007""#, "007"),
    ])
    func keys(_ json: String, _ key: String) {
        #expect(decoder(.string).decode(#"{"k":\#(json),"t":1700000000}"#).event?.values[0] == .string(key))
    }

    @Test(arguments: [
        ("null", "is required and missing"), (#""""#, "is required and empty"), ("4.5", "is not a whole number"), ("true", "has a value of another type than the stream declares"),
        ("{}", "has a value of another type than the stream declares"), ("1e30", "is beyond the range of its type"), ("123456789012345678901", "is beyond the range of its type"),
    ])
    func keysThatAreNone(_ json: String, _ problem: String) {
        #expect(decoder(.string).decode(#"{"t":1700000000,"k":\#(json)}"#) == .dropped(.malformed, "key `customer` (k) \(problem) (byte \(json == #""""# ? 21 : 20))"))
    }

    @Test func absentKeyTimeAndID() {
        #expect(decoder(.string).decode("{}").fault == "malformed: key `customer` (k) is required and missing (byte 0)")
        #expect(decoder(.string).decode(#"{"k":"a"}"#).fault == "malformed: time (t) is required and missing (byte 0)")
        #expect(decoder(.string, id: "id").decode(#"{"k":"a","t":1e9}"#).fault == "malformed: id (id) is required and missing (byte 0)")
    }

    @Test func theLastOfEqualKeysWins() {
        let nested = decoder(.string, path: "p.v")
        func value(_ json: String) -> DecodedEvent.Value? { nested.decode(#"{"k":"a","t":1e9,\#(json)}"#).event?.values[1] }
        #expect(value(#""p":{"v":"x","v":"y"}"#) == .string("y"))
        #expect(value(#""p":{"v":"x"},"p":{"v":"y"}"#) == .string("y"))
        #expect(value(#""p":{"v":"x"},"p":{"w":"y"}"#) == .null)
        #expect(value(#""p":{"v":"x"},"p":null"#) == .null)
        #expect(value(#""p":{"v":1},"p":{"v":"y"}"#) == .string("y"))
        #expect(value(#""p":7,"\u0070":{"v":"y"}"#) == .string("y"))
        #expect(value(#""p":7"#) == nil)
        #expect(nested.decode(#"{"k":"a","t":1e9,"p":{"v":"y"},"p":[]}"#).fault == "malformed: field `v` (p.v) is inside a value that is not an object (byte 35)")
    }

    @Test func oneValueForTwoPurposes() throws {
        let both = try EventDecoder(
            stream: StreamDefinition(
                name: "s", topic: "s", keys: [EntityKey(entity: "customer", path: FieldPath("a.b"))],
                time: EventTime(path: FieldPath("t"), format: .epochMilliseconds), idPath: FieldPath("a.b"),
                fields: [FieldDefinition(name: "b", path: FieldPath("a.b"), type: .string)]),
            index: 0, descriptorSet: nil)
        let decoded = both.decode(#"{"a":{"b":"x"},"t":1700000000000}"#)
        #expect(decoded == .event(DecodedEvent(values: [.string("x"), .string("x")], time: 1_700_000_000_000_000, id: hash("x"))))
    }

    @Test func identityWithoutAnID() {
        let plain = decoder(.int64)
        func id(_ json: String) -> UInt64? { plain.decode("{\(json)}").event?.id }
        let a = id(#""k":"a","t":1700000000,"v":1"#)
        #expect(a != nil)
        #expect(a == id(#""v":"1","t":1700000000.0,"k":"a""#))
        #expect(a != id(#""k":"a","t":1700000000,"v":2"#))
        #expect(a != id(#""k":"a","t":1700000000"#))
        #expect(a != id(#""k":"b","t":1700000000,"v":1"#))
    }

    @Test func idsOfIntegersAreTheirText() {
        #expect(decoder(.string, id: "id").decode(#"{"k":"a","t":1e9,"id":77}"#).event?.id == hash("77"))
        #expect(decoder(.string, id: "id").decode(#"{"k":"a","t":1e9,"id":"77"}"#).event?.id == hash("77"))
        #expect(decoder(.string, id: "id").decode(#"{"k":"a","t":1e9,"id":""}"#).fault == "malformed: id (id) is required and empty (byte 23)")
    }

    @Test func emptyIsNotMalformed() { #expect(decoder(.string).decode("") == .dropped(.empty, "the record has no value (byte 0)")) }
}
