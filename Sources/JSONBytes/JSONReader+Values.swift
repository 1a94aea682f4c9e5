extension JSONReader {
    /// The bytes between the quotes, still escaped; valid UTF-8.
    public mutating func readString() throws(JSONError) -> JSONString {
        guard try nextByte() == UInt8(ascii: "\"") else { throw JSONError(.wrongType, at: position) }
        return try scanString(validating: true)
    }

    /// The number as it is written, for `JSONNumber` to convert.
    public mutating func readNumber() throws(JSONError) -> UnsafeRawBufferPointer {
        let first = try nextByte()
        guard first == UInt8(ascii: "-") || isDigit(first) else { throw JSONError(.wrongType, at: position) }
        let start = position
        try scanNumber()
        return UnsafeRawBufferPointer(start: base + start, count: position - start)
    }

    public mutating func readBool() throws(JSONError) -> Bool {
        switch try nextByte() {
        case UInt8(ascii: "t"):
            try literal("true")
            return true
        case UInt8(ascii: "f"):
            try literal("false")
            return false
        default: throw JSONError(.wrongType, at: position)
        }
    }

    public mutating func readNull() throws(JSONError) {
        guard try nextByte() == UInt8(ascii: "n") else { throw JSONError(.wrongType, at: position) }
        try literal("null")
    }

    /// Moves past the next value, whatever it is, checking its grammar. No recursion: the levels are bits of a word.
    public mutating func skipValue() throws(JSONError) {
        let floor = depth
        var isObject: UInt64 = 0
        values: while true {
            switch try peek() {
            case .object:
                try beginObject()
                isObject = isObject << 1 | 1
            case .array:
                try beginArray()
                isObject <<= 1
            case .string: _ = try scanString(validating: false)
            case .number: try scanNumber()
            case .bool: _ = try readBool()
            case .null: try literal("null")
            }
            while depth > floor {
                if isObject & 1 == 1 ? try skipKey() : try nextElement() { continue values }
                isObject >>= 1
            }
            return
        }
    }

    private mutating func skipKey() throws(JSONError) -> Bool {
        guard try nextMember(closing: UInt8(ascii: "}")) else { return false }
        guard try nextByte() == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: position) }
        _ = try scanString(validating: false)
        try colon()
        return true
    }

    private mutating func literal(_ text: StaticString) throws(JSONError) {
        for n in 0..<text.utf8CodeUnitCount {
            guard position < count else { throw JSONError(.endOfInput, at: position) }
            guard byte(at: position) == text.utf8Start[n] else { throw JSONError(.unexpectedByte, at: position) }
            position += 1
        }
    }

    /// `-? (0 | [1-9][0-9]*) (\.[0-9]+)? ([eE][+-]?[0-9]+)?`, at the position of its first byte.
    @inline(__always) mutating func scanNumber() throws(JSONError) {
        if byte(at: position) == UInt8(ascii: "-") { position += 1 }
        let leading = position
        try scanDigits()
        if byte(at: leading) == UInt8(ascii: "0"), position > leading + 1 { throw JSONError(.badNumber, at: leading) }
        if position < count, byte(at: position) == UInt8(ascii: ".") {
            position += 1
            try scanDigits()
        }
        if position < count, byte(at: position) | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < count, byte(at: position) == UInt8(ascii: "+") || byte(at: position) == UInt8(ascii: "-") {
                position += 1
            }
            try scanDigits()
        }
    }

    @inline(__always) private mutating func scanDigits() throws(JSONError) {
        let start = position
        while position < count, isDigit(byte(at: position)) { position += 1 }
        guard position > start else {
            throw JSONError(position < count ? .badNumber : .endOfInput, at: position)
        }
    }

    /// From the opening quote past the closing one. Eight bytes at a time: the subtractions find a quote, a backslash or a control
    /// character in a word (Hacker's Delight, section 6-1); false hits occur only above a true one, and the lowest is taken.
    @inline(__always) mutating func scanString(validating: Bool) throws(JSONError) -> JSONString {
        let start = position + 1
        var at = start
        var high: UInt64 = 0
        var hasEscapes = false
        while true {
            while at + 8 <= count {
                let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt64.self))
                let quotes = word ^ (ones &* 0x22)
                let slashes = word ^ (ones &* 0x5c)
                let stops = (((quotes &- ones) & ~quotes) | ((slashes &- ones) & ~slashes)
                    | ((word &- ones &* 0x20) & ~word)) & tops
                if stops == 0 {
                    high |= word
                    at += 8
                    continue
                }
                let bits = UInt64(stops.trailingZeroBitCount & 0b111000)
                high |= word & ((1 << bits) &- 1)
                at += Int(bits >> 3)
                break
            }
            guard at < count else { throw JSONError(.endOfInput, at: count) }
            let byte = byte(at: at)
            if byte == UInt8(ascii: "\"") { break }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                at = try escapeEnd(at)
            } else {
                guard byte >= 0x20 else { throw JSONError(.controlCharacter, at: at) }
                high |= UInt64(byte)
                at += 1
            }
        }
        let string = JSONString(
            bytes: UnsafeRawBufferPointer(start: base + start, count: at - start), position: start, hasEscapes: hasEscapes)
        if validating, high & tops != 0, let bad = UTF8Validation.firstFault(in: string.bytes) {
            throw JSONError(.badUTF8, at: start + bad)
        }
        position = at + 1
        return string
    }

    /// The offset after the escape sequence at `at`. Surrogate pairs are checked by `JSONString.unescape`, when somebody wants them.
    private func escapeEnd(_ at: Int) throws(JSONError) -> Int {
        guard at + 1 < count else { throw JSONError(.endOfInput, at: count) }
        switch byte(at: at + 1) {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return at + 2
        case UInt8(ascii: "u"):
            guard at + 6 <= count else { throw JSONError(.endOfInput, at: count) }
            for n in at + 2..<at + 6 where JSONString.hexValue(byte(at: n)) == nil { throw JSONError(.badEscape, at: n) }
            return at + 6
        default: throw JSONError(.badEscape, at: at)
        }
    }
}

@inline(__always) func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

private let ones: UInt64 = 0x0101_0101_0101_0101
private let tops: UInt64 = 0x8080_8080_8080_8080
