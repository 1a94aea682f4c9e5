import Foundation
import JSONBytes
import TestSupport
import Testing

@Suite struct JSONWriterTests {
    private func write(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return writer.text
    }

    @Test func structure() {
        let text = write { json in
            json.beginObject()
            json.key("empty")
            json.beginObject()
            json.endObject()
            json.key("list")
            json.beginArray()
            json.int(-1)
            json.bool(true)
            json.null()
            json.beginArray()
            json.endArray()
            json.double(0.1)
            json.endArray()
            json.member("a", "b")
            json.key("raw")
            json.raw(Array("[1]".utf8))
            json.endObject()
        }
        #expect(text == #"{"empty":{},"list":[-1,true,null,[],0.1],"a":"b","raw":[1]}"#)
    }

    @Test(arguments: [
        (1250, 2, "12.5"), (1200, 2, "12"), (0, 6, "0"), (5, 2, "0.05"), (-5, 2, "-0.05"), (100, 0, "100"), (-1, 0, "-1"), (1, 9, "0.000000001"),
        (Int128.max, 0, "170141183460469231731687303715884105727"), (Int128.min, 38, "-1.70141183460469231731687303715884105728"),
        (10_000_000_000, 9, "10"), (123_456_789, 6, "123.456789"), (0, 0, "0"), (12_340, 3, "12.34"), (1_200, 0, "1200"),
        (Int128.min, 0, "-170141183460469231731687303715884105728"), (Int128.min, 6, "-170141183460469231731687303715884.105728"),
        (Int128(UInt64.max), 20, "0.18446744073709551615"), (Int128(UInt64.max), 19, "1.8446744073709551615"), (Int128(UInt64.max), 0, "18446744073709551615"),
        (Int128.max, 39, "0.170141183460469231731687303715884105727"), (1, 64, "0." + String(repeating: "0", count: 63) + "1"),
        (10, 20, "0.0000000000000000001"), (Int128(UInt64.max) + 1, 2, "184467440737095516.16"),
    ] as [(Int128, Int, String)])
    func decimals(_ units: Int128, _ scale: Int, _ text: String) {
        #expect(write { $0.decimal(units: units, scale: scale) } == text)
    }

    @Test(arguments: [
        0.1, 1e300, .leastNonzeroMagnitude, -0.0, 12.99, 1.0 / 3, 123456789012345680.0, .greatestFiniteMagnitude,
        0, 1, -1, 1000000, 2147483647, -2147483648, 2147483648, 1e15, 1e16,
    ])
    func doublesReadBack(_ value: Double) throws {
        let text = write { $0.double(value) }
        #expect(text == value.description)
        #expect(Double(text)?.bitPattern == value.bitPattern)
        try Array(text.utf8).withUnsafeBytes { buffer in
            var reader = JSONReader(buffer)
            _ = try reader.readNumber()
            try reader.finish()
        }
    }

    @Test func whatJSONHasNot() {
        #expect(write { $0.double(.nan) } == "null")
        #expect(write { $0.double(-.infinity) } == "null")
    }

    @Test func integersAtTheEnds() {
        #expect(write { $0.int(.min) } == "\(Int64.min)")
        #expect(write { $0.int(.max) } == "\(Int64.max)")
    }

    @Test func stringsReadBack() throws {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<2_000 {
            let text = String(String.UnicodeScalarView((0..<random.below(20)).compactMap { _ in
                Unicode.Scalar(UInt32([random.below(0x40), random.below(0x800), random.below(0x110000)][random.below(3)]))
            }))
            let written = Array(write { $0.string(text) }.utf8)
            try written.withUnsafeBytes { buffer in
                var reader = JSONReader(buffer)
                let back = try #require(try reader.readString().text())
                #expect(back.utf8.elementsEqual(text.utf8))
                try reader.finish()
            }
            let reference = try JSONSerialization.jsonObject(with: Data(written), options: .fragmentsAllowed) as? String
            #expect(reference == text)
        }
    }

    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"), (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
        (1_767_225_599_123_456, "2025-12-31T23:59:59.123456Z"), (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
        (Int64.max, "+294247-01-10T04:00:54.775807Z"), (Int64.min, "-290308-12-21T19:59:05.224192Z"),
    ])
    func times(_ microseconds: Int64, _ expected: String) {
        // The second is a copy of the first.
        let text = write { json in
            json.beginArray()
            json.time(microseconds)
            json.string(String(repeating: "-", count: 500))
            json.time(microseconds)
            json.time(1_000_000)
            json.endArray()
        }
        #expect(text == "[\"\(expected)\",\"\(String(repeating: "-", count: 500))\",\"\(expected)\",\"1970-01-01T00:00:01.000000Z\"]")
    }

    @Test func smallIntegers() {
        for value in Int64(-1100)...1100 { #expect(write { $0.int(value) } == "\(value)") }
    }

    @Test func documentsLargerThanTheReservation() {
        let texts = (0..<500).map { "element \($0) \u{1}\"" }
        let text = write { $0.strings(texts) }
        #expect(text == "[" + texts.map { "\"" + $0.dropLast(2) + "\\u0001\\\"\"" }.joined(separator: ",") + "]")
    }

    @Test func resetKeepsNothing() {
        var json = JSONWriter()
        json.beginArray()
        json.int(1)
        json.reset()
        json.int(2)
        #expect(json.bytes == Array("2".utf8))
    }
}
