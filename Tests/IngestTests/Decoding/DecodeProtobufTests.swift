import FeatureStore
import Ingest
import Testing

private let everything = "millrace.tests.Everything"
private let micros: Int64 = 1_700_000_000_123_456

private func stream(_ fields: [FieldDefinition], key: String = "key", id: String? = nil, message: String = everything) -> StreamDefinition {
    StreamDefinition(
        name: "s", topic: "s", format: Streams.protobuf(message), keys: [EntityKey(entity: "customer", path: FieldPath(key))],
        time: EventTime(path: FieldPath("time"), format: message == everything ? .protobufTimestamp : .epochSeconds),
        idPath: id.map { FieldPath($0) }, fields: fields)
}

/// The fields' values of an `Everything` with the key and the time in order, and what `body` adds.
private func values(_ fields: (String, FieldType)..., body: (inout WireWriter) -> Void) -> [DecodedEvent.Value]? {
    let decoder = Streams.decoder(stream(fields.map { FieldDefinition(name: $0.0, type: $0.1) }))
    let bytes = WireWriter.message {
        $0.string(1, "a")
        $0.timestamp(2, micros: micros)
        body(&$0)
    }
    return decoder.decode(bytes).event.map { Array($0.values.dropFirst()) }
}
private func value(_ name: String, _ type: FieldType, body: (inout WireWriter) -> Void) -> DecodedEvent.Value? {
    values((name, type), body: body)?[0]
}

@Suite struct DecodeProtobufTests {
    @Test func everyIntegerKind() {
        #expect(value("int32", .int64) { $0.int(3, -5) } == .integer(-5))
        #expect(value("int32", .int64) { $0.int(3, 0x1_0000_0007) } == .integer(7))
        #expect(value("int64", .int64) { $0.int(4, -5) } == .integer(-5))
        #expect(value("uint32", .int64) { $0.int(5, 0xffff_ffff) } == .integer(0xffff_ffff))
        #expect(value("uint64", .int64) { $0.int(6, .max) } == .integer(.max))
        #expect(value("uint64", .int64) { $0.int(6, -1) } == nil)
        #expect(value("sint32", .int64) { $0.zigzag(7, -5) } == .integer(-5))
        #expect(value("sint64", .int64) { $0.zigzag(8, -Int64.max) } == .integer(-Int64.max))
        #expect(value("sint64", .int64) { $0.zigzag(8, .min) } == nil)
        #expect(value("fixed32", .int64) { $0.fixed32(9, .max) } == .integer(0xffff_ffff))
        #expect(value("fixed64", .int64) { $0.fixed64(10, 7) } == .integer(7))
        #expect(value("sfixed32", .int64) { $0.fixed32(11, .max) } == .integer(-1))
        #expect(value("sfixed64", .int64) { $0.fixed64(12, .max) } == .integer(-1))
        #expect(value("int64", .decimal(scale: 2)) { $0.int(4, 12) } == .integer(1200))
        #expect(value("int64", .decimal(scale: 9)) { $0.int(4, 10_000_000_000) } == nil)
        #expect(value("bool", .bool) { $0.int(13, 1) } == .integer(1))
        #expect(value("bool", .bool) { $0.int(13, 256) } == .integer(1))
    }

    @Test func textAndNumbersInText() {
        #expect(value("string", .string) { $0.string(16, "é") } == .string("é"))
        #expect(value("string", .decimal(scale: 2)) { $0.string(16, "12.99") } == .integer(1299))
        #expect(value("string", .decimal(scale: 2)) { $0.string(16, "x") } == nil)
        #expect(value("string", .decimal(scale: 2)) { _ in } == .null)
        #expect(value("string", .int64) { $0.string(16, "") } == nil)
        #expect(value("string", .int64) { $0.string(16, "12") } == .integer(12))
        #expect(value("bytes", .string) { $0.string(17, "b") } == .string("b"))
        #expect(value("bytes", .string) { $0.data(17, [0xff]) } == nil)
        #expect(value("string", .string) { $0.string(16, String(repeating: "x", count: 1025)) } == nil)
        #expect(value("far", .string) { $0.string(5000, "far") } == .string("far"))
    }

    @Test func enumsAreTheirNames() {
        #expect(value("color", .string) { $0.int(18, 1) } == .string("RED"))
        #expect(value("color", .string) { $0.int(18, -5) } == .string("NEGATIVE"))
        #expect(value("color", .string) { $0.int(18, 77) } == .string("77"))
        #expect(value("color", .string) { _ in } == .string("NONE"))
    }

    /// A double means what its shortest text says, as the same number in JSON does.
    @Test func floatingPointEqualsJSON() {
        let scales = [0, 2, 6, 9]
        let json = scales.map { decoder(.decimal(scale: $0)) }
        let doubles = scales.map { Streams.decoder(stream([FieldDefinition(name: "double", type: .decimal(scale: $0))])) }
        let floats = scales.map { Streams.decoder(stream([FieldDefinition(name: "float", type: .decimal(scale: $0))])) }
        var random = SystemRandomNumberGenerator()
        func compare(_ text: String, _ protobuf: EventDecoder, _ scale: Int, _ body: (inout WireWriter) -> Void) {
            let bytes = WireWriter.message {
                $0.string(1, "a")
                $0.timestamp(2, micros: micros)
                body(&$0)
            }
            let expected = json[scale].decode(#"{"k":"a","t":1e9,"v":\#(text)}"#).event?.values[1]
            #expect(protobuf.decode(bytes).event?.values[1] == expected, "\(text)")
        }
        for n in 0..<8_000 {
            let double: Double =
                switch n % 5 {
                case 0: Double(Int64.random(in: -1_000_000...1_000_000, using: &random)) / 100
                case 1: Double(bitPattern: .random(in: 0...0xffef_ffff_ffff_ffff, using: &random))
                case 2: Double.random(in: -1e6...1e6, using: &random)
                case 3: Double(Int64.random(in: -10_000...10_000, using: &random)) / 8
                default: Double(Int64.random(in: -1_000_000...1_000_000, using: &random)) * 0.1
                }
            guard double.isFinite else { continue }
            let scale = n / 5 % 4
            compare(double.description, doubles[scale], scale) { $0.fixed64(15, double.bitPattern) }
            let float = Float(double)
            if float.isFinite { compare(float.description, floats[scale], scale) { $0.fixed32(14, float.bitPattern) } }
        }
        #expect(value("double", .decimal(scale: 2)) { $0.fixed64(15, Double.nan.bitPattern) } == nil)
        #expect(value("double", .decimal(scale: 2)) { $0.fixed64(15, Double.infinity.bitPattern) } == nil)
        #expect(value("double", .decimal(scale: 2)) { $0.fixed64(15, (0.125).bitPattern) } == .integer(12))
        #expect(value("float", .decimal(scale: 6)) { $0.fixed32(14, Float(0.1).bitPattern) } == .integer(100_000))
    }

    @Test func presence() {
        let absent = values(
            ("int64", .int64), ("bool", .bool), ("string", .string), ("double", .decimal(scale: 2)), ("maybe", .string), ("inner.text", .string),
            ("inner.maybe", .int64), ("card", .string)
        ) { _ in }
        #expect(absent == [.integer(0), .integer(0), .string(""), .integer(0), .null, .null, .null, .null])
        let inside = values(("inner.text", .string), ("inner.number", .int64), ("inner.maybe", .int64), ("inner.inner.text", .string)) {
            $0.message(19) { $0.int(2, 5) }
        }
        #expect(inside == [.string(""), .integer(5), .null, .null])
        #expect(value("maybe", .string) { $0.string(20, "") } == .string(""))
    }

    @Test func proto2KnowsWhatWasSet() {
        let decoder = Streams.decoder(stream(
            [FieldDefinition(name: "number", type: .int64), FieldDefinition(name: "text", type: .string)], message: "millrace.tests.Presence"))
        let bytes = WireWriter.message {
            $0.string(1, "a")
            $0.group(6) { $0.string(1, "old") }
            $0.data(5, [1, 2, 3])
            $0.int(2, 1_700_000_000)
        }
        #expect(decoder.decode(bytes).event?.values == [.string("a"), .null, .null])
    }

    @Test func merging() {
        #expect(value("int64", .int64) { $0.int(4, 1); $0.int(4, 2) } == .integer(2))
        let twice = values(("inner.text", .string), ("inner.number", .int64), ("inner.inner.text", .string)) {
            $0.message(19) { $0.string(1, "x"); $0.int(2, 1) }
            $0.message(19) { $0.int(2, 2); $0.message(4) { $0.string(1, "deep") } }
        }
        #expect(twice == [.string("x"), .integer(2), .string("deep")])
    }

    @Test func aOneofHasOneMember() {
        let fields: [(String, FieldType)] = [("card", .string), ("cash", .int64), ("voucher.text", .string)]
        #expect(values(fields[0], fields[1], fields[2]) { $0.string(21, "c"); $0.int(22, 5) } == [.null, .integer(5), .null])
        #expect(values(fields[0], fields[1], fields[2]) { $0.int(22, 5); $0.message(23) { $0.string(1, "v") } } == [.null, .null, .string("v")])
        #expect(values(fields[0], fields[2]) { $0.message(23) { $0.string(1, "v") }; $0.int(22, 5) } == [.null, .null])
        #expect(values(fields[0]) { $0.string(21, "c"); $0.message(23) { _ in } } == [.null])
        #expect(values(fields[2]) { $0.message(23) { $0.string(1, "v") }; $0.int(22, 5); $0.message(23) { $0.int(2, 1) } } == [.string("")])
    }

    @Test func whatIsNotMappedIsSkipped() {
        let skipped = value("int64", .int64) {
            $0.string(24, "x")
            $0.message(25) { $0.string(1, "k"); $0.string(2, "v") }
            $0.fixed32(900, 1)
            $0.fixed64(901, 1)
            $0.int(902, -1)
            $0.group(903) { $0.group(904) { $0.string(4, "no") }; $0.int(4, 9) }
            $0.string(4, "another wire type is an unknown field")
            $0.int(4, 7)
        }
        #expect(skipped == .integer(7))
    }

    @Test(arguments: [
        ("key", 1, "is required and missing"), ("int64", 4, "is required and missing"),
    ])
    func keysThatAreAbsent(_ key: String, _ field: Int, _ problem: String) {
        let decoder = Streams.decoder(stream([], key: key))
        let bytes = WireWriter.message { $0.timestamp(2, micros: micros) }
        #expect(decoder.decode(bytes) == .dropped(.malformed, "key `customer` (\(key)) \(problem) (byte 0)"))
    }

    @Test func keysAndIDsOfIntegers() {
        let bytes = WireWriter.message { $0.int(4, -42); $0.int(6, -1); $0.timestamp(2, micros: micros); $0.string(1, "") }
        #expect(Streams.decoder(stream([], key: "int64", id: "uint64")).decode(bytes)
            == .event(DecodedEvent(values: [.string("-42")], time: micros, id: hash("18446744073709551615"))))
        #expect(Streams.decoder(stream([])).decode(bytes).fault == "malformed: key `customer` (key) is required and empty (byte 37)")
    }

    @Test func timestamps() {
        func time(_ body: (inout WireWriter) -> Void) -> Decoded {
            Streams.decoder(stream([])).decode(WireWriter.message { $0.string(1, "a"); body(&$0) })
        }
        #expect(time { $0.timestamp(2, micros: micros) }.event?.time == micros)
        #expect(time { $0.message(2) { $0.int(1, 1_700_000_000); $0.int(2, 999_999_999) } }.event?.time == 1_700_000_000_999_999)
        #expect(time { $0.message(2) { $0.int(1, 1_700_000_000); $0.int(2, 1_000_000_000) } }.event == nil)
        #expect(time { $0.message(2) { $0.int(1, 1_700_000_000); $0.int(2, -1) } }.event == nil)
        #expect(time { $0.message(2) { $0.int(1, .max) } }.event == nil)
        #expect(time { $0.message(2) { _ in } }.fault == "malformed: time (time) is not between 1970-01-02 and 2106-02-07 (byte 0)")
        #expect(time { _ in }.fault == "malformed: time (time) is required and missing (byte 0)")
        let epoch = Streams.decoder(StreamDefinition(
            name: "s", topic: "s", format: Streams.protobuf(everything), keys: [EntityKey(entity: "c", path: FieldPath("key"))],
            time: EventTime(path: FieldPath("string"), format: .rfc3339), fields: []))
        #expect(epoch.decode(WireWriter.message { $0.string(1, "a"); $0.string(16, "2023-11-14T22:13:20Z") }).event?.time == 1_700_000_000_000_000)
    }

    @Test func brokenWire() {
        let decoder = Streams.decoder(stream([]))
        func fault(_ bytes: [UInt8]) -> String? { decoder.decode(bytes).fault }
        #expect(fault([0x0a, 0x05, 0x61]) == "malformed: the record ends in the middle of a Protobuf field (byte 0)")
        #expect(fault([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]) == "malformed: the record ends in the middle of a Protobuf field (byte 0)")
        #expect(fault([0x20] + [UInt8](repeating: 0x80, count: 10)) == "malformed: the record has a Protobuf varint of more than 10 bytes (byte 0)")
        #expect(fault([0x00]) == "malformed: the record has a Protobuf tag that does not exist (byte 0)")
        #expect(fault([0x0e]) == "malformed: the record has a Protobuf tag that does not exist (byte 0)")
        #expect(fault([0x0c]) == "malformed: the record has a Protobuf group that does not begin or end properly (byte 0)")
        #expect(fault([0xbb, 0x38, 0xc4, 0x38]) == "malformed: the record has a Protobuf group that does not begin or end properly (byte 0)")
        #expect(fault([UInt8](repeating: 0x0b, count: 100_000)) == "malformed: the record nests Protobuf groups deeper than 64 (byte 0)")
    }
}
