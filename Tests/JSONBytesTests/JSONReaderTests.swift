import Foundation
import JSONBytes
import TestSupport
import Testing

/// Whether the whole document is JSON; the error if not.
private func check(_ bytes: [UInt8]) -> JSONError? {
    bytes.withUnsafeBytes { buffer in
        var reader = JSONReader(buffer)
        do throws(JSONError) {
            try reader.skipValue()
            try reader.finish()
            return nil
        } catch {
            return error
        }
    }
}
private func check(_ text: String) -> JSONError? { check(Array(text.utf8)) }

@Suite struct JSONReaderTests {
    @Test(arguments: [
        "{}", "[]", " { } ", "[1]", "[1,2]", "[[],{}]", #"{"a":1}"#, #"{"a":1,"b":[true,false,null]}"#, "0", "-0", "0.5", "1e5", "1E-5",
        "-12.25e+3", "\"\"", #""a\n\u00e9\\\"/\/""#, "\t\r\n1 ", #"{"":{"":[{"":""}]}}"#, "\"\u{7f}\"", #""\ud800""#,
    ])
    func accepts(_ text: String) { #expect(check(text) == nil) }

    @Test(arguments: [
        ("", .endOfInput, 0), (" ", .endOfInput, 1), ("{", .endOfInput, 1), ("[", .endOfInput, 1), ("[1", .endOfInput, 2),
        ("[1,]", .unexpectedByte, 3), ("[,1]", .unexpectedByte, 1), ("[1 2]", .unexpectedByte, 3), ("{,}", .unexpectedByte, 1),
        (#"{"a"}"#, .unexpectedByte, 4), (#"{"a":}"#, .unexpectedByte, 5), (#"{"a":1,}"#, .unexpectedByte, 7), ("{1:2}", .unexpectedByte, 1),
        (#"{"a":1 "b":2}"#, .unexpectedByte, 7), ("[}", .unexpectedByte, 1), ("{]", .unexpectedByte, 1), ("1 2", .trailingBytes, 2),
        ("[]]", .trailingBytes, 2), ("01", .badNumber, 0), ("-", .endOfInput, 1), ("-a", .badNumber, 1), ("1.", .endOfInput, 2),
        ("1.x", .badNumber, 2), ("1e", .endOfInput, 2), ("1e+x", .badNumber, 3), ("+1", .unexpectedByte, 0), (".5", .unexpectedByte, 0),
        ("tru", .endOfInput, 3), ("trux", .unexpectedByte, 3), ("nul1", .unexpectedByte, 3), ("falsy", .unexpectedByte, 4),
        ("NaN", .unexpectedByte, 0), ("'a'", .unexpectedByte, 0), ("\"a", .endOfInput, 2), ("\"a\nb\"", .controlCharacter, 2),
        (#""\x""#, .badEscape, 1), (#""\u12g4""#, .badEscape, 5), (#""\u12"#, .endOfInput, 5), (#""\"#, .endOfInput, 2),
        ("\u{feff}{}", .unexpectedByte, 0), ("[1]/*c*/", .trailingBytes, 3),
    ] as [(String, JSONError.Problem, Int)])
    func refuses(_ text: String, _ problem: JSONError.Problem, _ position: Int) {
        #expect(check(text) == JSONError(problem, at: position))
    }

    @Test func nestingIsBounded() {
        #expect(check(String(repeating: "[", count: 64) + String(repeating: "]", count: 64)) == nil)
        #expect(check(String(repeating: "[", count: 65) + String(repeating: "]", count: 65)) == JSONError(.tooDeep, at: 64))
        #expect(check(String(repeating: "[", count: 1_000_000))?.problem == .tooDeep)
        #expect(check(String(repeating: #"{"a":"#, count: 65))?.problem == .tooDeep)
    }

    /// Stops, bytes above ASCII and the end at every distance from a word's start.
    @Test func stringsOfEveryLength() throws {
        for length in 0..<40 {
            for tail in ["", "é", "\\n", "😀"] {
                let text = String(repeating: "x", count: length) + tail
                let document = Array("\"\(text)\"".utf8)
                try document.withUnsafeBytes { buffer in
                    var reader = JSONReader(buffer)
                    let string = try reader.readString()
                    #expect(string.hasEscapes == (tail == "\\n"))
                    #expect(string.bytes.elementsEqual(text.utf8))
                    try reader.finish()
                }
                #expect(check(Array(document.dropLast()))?.problem == .endOfInput)
            }
        }
    }

    @Test func returnedStringsAreUTF8AndSkippedOnesNeedNotBe() {
        let bytes: [UInt8] = [0x22, 0x61, 0xff, 0x22]
        #expect(check(bytes) == nil)
        _ = bytes.withUnsafeBytes { buffer in
            #expect(throws: JSONError(.badUTF8, at: 2)) {
                var reader = JSONReader(buffer)
                _ = try reader.readString()
            }
        }
    }

    @Test func pullsTypedValues() throws {
        let text = #" {"name":"a\u0062c","n":-1.5e3,"yes":true,"no":false,"nothing":null,"list":[1,[2],{"x":3}],"skip":{"a":[{}]}} "#
        try Array(text.utf8).withUnsafeBytes { buffer in
            var reader = JSONReader(buffer)
            try reader.beginObject()
            var seen: [String] = []
            while let key = try reader.nextKey() {
                seen.append(key.text()!)
                switch seen.last! {
                case "name": #expect(try reader.readString().text() == "abc")
                case "n": #expect(try reader.readNumber().elementsEqual("-1.5e3".utf8))
                case "yes": #expect(try reader.readBool())
                case "no": #expect(try !reader.readBool())
                case "nothing":
                    #expect(try reader.peek() == .null)
                    try reader.readNull()
                case "list":
                    try reader.beginArray()
                    var kinds: [JSONKind] = []
                    while try reader.nextElement() {
                        kinds.append(try reader.peek())
                        try reader.skipValue()
                    }
                    #expect(kinds == [.number, .array, .object])
                default: try reader.skipValue()
                }
            }
            try reader.finish()
            #expect(seen == ["name", "n", "yes", "no", "nothing", "list", "skip"])
        }
    }

    @Test func wrongTypesAreErrors() {
        Array("[1]".utf8).withUnsafeBytes { buffer in
            var reader = JSONReader(buffer)
            #expect(throws: JSONError(.wrongType, at: 0)) { try reader.beginObject() }
            #expect(throws: JSONError(.wrongType, at: 0)) { _ = try reader.readString() }
            #expect(throws: JSONError(.wrongType, at: 0)) { _ = try reader.readNumber() }
            #expect(throws: JSONError(.wrongType, at: 0)) { _ = try reader.readBool() }
            #expect(throws: JSONError(.wrongType, at: 0)) { try reader.readNull() }
        }
    }

    /// Damaged documents are accepted exactly when Foundation accepts them.
    @Test func agreesWithFoundationOnDamagedDocuments() {
        let seed = Array(#"{"a":[1,-2.5e3,{"b":"x\ny"},true,false,null],"c":{"d":{}},"e":""}"#.utf8)
        let bytes = Array("{}[]:,\"\\0123456789eE+-.truefalsn \n\tx".utf8)
        var random = SeededGenerator(seed: 3)
        var accepted = 0
        for _ in 0..<30_000 {
            var document = seed
            for _ in 0...random.below(3) {
                let at = random.below(document.count)
                switch random.below(3) {
                case 0: document[at] = bytes[random.below(bytes.count)]
                case 1: document.remove(at: at)
                default: document.insert(bytes[random.below(bytes.count)], at: at)
                }
            }
            let reference = try? JSONSerialization.jsonObject(with: Data(document), options: .fragmentsAllowed)
            // Foundation refuses numbers beyond a double, which are JSON, and accepts a comma before a closing bracket, which is not.
            let text = String(decoding: document, as: UTF8.self)
            if reference == nil, text.contains(/[eE]\+?\d{3,}/) { continue }
            if reference != nil, text.contains(/,\s*[}\]]/) { continue }
            if reference != nil { accepted += 1 }
            #expect((check(document) == nil) == (reference != nil), "\(text)")
        }
        #expect(accepted > 1_000)
    }

    /// Keys are compared by what they mean.
    @Test func keysWithEscapes() throws {
        try Array(#"{"pr\u0069ce":1}"#.utf8).withUnsafeBytes { buffer in
            var reader = JSONReader(buffer)
            try reader.beginObject()
            let key = try #require(try reader.nextKey())
            #expect(key == "price")
            #expect(!(key == "prize"))
        }
    }
}
