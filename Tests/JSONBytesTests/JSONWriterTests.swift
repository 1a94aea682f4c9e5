import Foundation
import JSONBytes
import Testing

@Suite struct JSONWriterTests {
    private func write(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
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
            json.raw("[1]".utf8)
            json.endObject()
        }
        #expect(text == #"{"empty":{},"list":[-1,true,null,[],0.1],"a":"b","raw":[1]}"#)
    }

    @Test(arguments: [
        (1250, 2, "12.5"), (1200, 2, "12"), (0, 6, "0"), (5, 2, "0.05"), (-5, 2, "-0.05"), (100, 0, "100"), (-1, 0, "-1"), (1, 9, "0.000000001"),
        (Int128.max, 0, "170141183460469231731687303715884105727"), (Int128.min, 38, "-1.70141183460469231731687303715884105728"),
        (10_000_000_000, 9, "10"), (123_456_789, 6, "123.456789"),
    ] as [(Int128, Int, String)])
    func decimals(_ units: Int128, _ scale: Int, _ text: String) {
        #expect(write { $0.decimal(units: units, scale: scale) } == text)
    }

    @Test(arguments: [0.1, 1e300, .leastNonzeroMagnitude, -0.0, 12.99, 1.0 / 3, 123456789012345680.0, .greatestFiniteMagnitude])
    func doublesReadBack(_ value: Double) throws {
        let text = write { $0.double(value) }
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
        var random = SplitMix(5)
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

    @Test func resetKeepsNothing() {
        var json = JSONWriter()
        json.beginArray()
        json.int(1)
        json.reset()
        json.int(2)
        #expect(json.bytes == Array("2".utf8))
    }
}
