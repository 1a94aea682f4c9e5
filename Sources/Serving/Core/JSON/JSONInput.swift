internal import JSONBytes

/// Reads the JSON of a request, strictly (RFC 8259), token by token. Errors name the byte at which reading stopped.
///
/// Bounded by construction: it holds no stack and skips nothing, each value is asked for by type.
struct JSONInput {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    /// The bytes must outlive the reader.
    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next byte that is not white space; nil at the end.
    mutating func peek() -> UInt8? {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0a, 0x0d: position += 1
            case let byte: return byte
            }
        }
        return nil
    }

    /// Takes `byte` if it is next.
    mutating func take(_ byte: Unicode.Scalar) -> Bool {
        guard let next = peek(), next == UInt8(ascii: byte) else { return false }
        position += 1
        return true
    }

    mutating func expect(_ byte: Unicode.Scalar, _ what: String) throws(LookupProblem) {
        if !take(byte) { throw problem("\(what) is expected") }
    }

    mutating func expectEnd() throws(LookupProblem) {
        if peek() != nil { throw problem("the end is expected, there is more") }
    }

    mutating func null() -> Bool { take(word: "null") }

    mutating func bool() -> Bool? { take(word: "true") ? true : take(word: "false") ? false : nil }

    private mutating func take(word: StaticString) -> Bool {
        _ = peek()
        let length = word.utf8CodeUnitCount
        guard bytes.count - position >= length, bytes[position..<position + length].elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: length)) else {
            return false
        }
        position += length
        return true
    }

    mutating func integer(_ name: String) throws(LookupProblem) -> Int64 {
        _ = peek()
        let start = position
        if position < bytes.count, bytes[position] == UInt8(ascii: "-") { position += 1 }
        let firstDigit = position
        while position < bytes.count, bytes[position] >= 0x30, bytes[position] <= 0x39 { position += 1 }
        let digits = position - firstDigit
        if digits == 0 || digits > 1 && bytes[firstDigit] == 0x30 {
            position = start
            throw problem("\(name) is not a number")
        }
        if position < bytes.count, [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(bytes[position]) {
            position = start
            throw problem("\(name) is not a whole number")
        }
        let text = String(decoding: UnsafeRawBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
        guard let value = Int64(text) else {
            position = start
            throw problem("\(name) does not fit in 64 bits")
        }
        return value
    }

    /// The text of a number.
    mutating func number(_ name: String) throws(LookupProblem) -> String {
        _ = peek()
        let start = position
        while position < bytes.count, bytes[position] == 0x2e || bytes[position] | 0x20 == 0x65 || bytes[position] == 0x2b
            || bytes[position] == 0x2d || (0x30...0x39).contains(bytes[position])
        { position += 1 }
        let text = UnsafeRawBufferPointer(rebasing: bytes[start..<position])
        guard JSONNumber.parseDecimal(text, scale: 0) != .notANumber else {
            position = start
            throw problem("\(name) is not a number, a string, true, false or null")
        }
        return String(decoding: text, as: UTF8.self)
    }

    mutating func string(_ name: String) throws(LookupProblem) -> String {
        guard take("\"") else { throw problem("\(name) is not a string") }
        let start = position
        while position < bytes.count, bytes[position] != 0x22, bytes[position] != 0x5c, bytes[position] >= 0x20 { position += 1 }
        var raw = Array(bytes[start..<position])
        while true {
            guard position < bytes.count else { throw problem("a string does not end") }
            let byte = bytes[position]
            if byte == 0x22 { break }
            if byte < 0x20 { throw problem("a control character in a string must be escaped") }
            position += 1
            if byte == 0x5c { try escape(into: &raw) } else { raw.append(byte) }
        }
        guard let text = String(validating: raw, as: UTF8.self) else {
            position = start
            throw problem("a string is not valid UTF-8")
        }
        position += 1
        return text
    }

    private mutating func escape(into raw: inout [UInt8]) throws(LookupProblem) {
        guard position < bytes.count else { throw problem("a string does not end") }
        let kind = bytes[position]
        position += 1
        switch kind {
        case 0x22, 0x5c, 0x2f: raw.append(kind)
        case UInt8(ascii: "b"): raw.append(8)
        case UInt8(ascii: "f"): raw.append(12)
        case UInt8(ascii: "n"): raw.append(10)
        case UInt8(ascii: "r"): raw.append(13)
        case UInt8(ascii: "t"): raw.append(9)
        case UInt8(ascii: "u"):
            var code = UInt32(try hex4())
            if (0xd800...0xdbff).contains(code) {
                guard position + 1 < bytes.count, bytes[position] == 0x5c, bytes[position + 1] == UInt8(ascii: "u") else {
                    throw problem("a high surrogate without its low one")
                }
                position += 2
                let low = UInt32(try hex4())
                guard (0xdc00...0xdfff).contains(low) else { throw problem("a high surrogate without its low one") }
                code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw problem("a low surrogate without its high one") }
            raw.append(contentsOf: String(Character(scalar)).utf8)
        default:
            position -= 1
            throw problem("an escape that JSON does not have")
        }
    }

    private mutating func hex4() throws(LookupProblem) -> UInt16 {
        guard bytes.count - position >= 4 else { throw problem("\\u needs four hexadecimal digits") }
        var value: UInt16 = 0
        for _ in 0..<4 {
            let byte = bytes[position]
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x37
            case 0x61...0x66: digit = byte - 0x57
            default: throw problem("\\u needs four hexadecimal digits")
            }
            value = value << 4 | UInt16(digit)
            position += 1
        }
        return value
    }

    /// - Parameter what: a clause, as in `"keys" is not an array`.
    func problem(_ what: String) -> LookupProblem {
        LookupProblem(.badJSON, detail: "At byte \(position): \(what).", remedy: "See POST /v1/lookup in /openapi.yaml for the body's shape.")
    }
}
