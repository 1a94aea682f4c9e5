/// A pull reader over the bytes of one JSON document (RFC 8259), without allocation.
///
/// The caller asks for what it expects, in the order of the document; what it does not want it skips. Everything read or skipped is
/// checked against the grammar, nesting is bounded, and strings that are returned are valid UTF-8 (skipped ones may not be).
///
///     var reader = JSONReader(bytes)
///     try reader.beginObject()
///     while let key = try reader.nextKey() {
///         if key == "price" { price = try reader.readNumber() } else { try reader.skipValue() }
///     }
///     try reader.finish()
///
/// The bytes must outlive the reader and every slice it returns. After an error the reader is of no further use.
public struct JSONReader {
    /// Arrays and objects inside each other, at most. One bit per level fits in a word, and no real event comes near.
    public static var maxDepth: Int { 64 }

    let base: UnsafeRawPointer
    let count: Int
    /// Offset of the next byte to read.
    public internal(set) var position = 0
    var depth = 0
    /// Nothing was read yet of the innermost array or object: no comma is due.
    var isFirst = false

    public init(_ bytes: UnsafeRawBufferPointer) {
        // The placeholder of an empty buffer is never read.
        base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 8)!
        count = bytes.count
    }

    /// The kind of the next value, by its first byte. Reads nothing but white space.
    public mutating func peek() throws(JSONError) -> JSONKind {
        switch try nextByte() {
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): return .number
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        default: throw JSONError(.unexpectedByte, at: position)
        }
    }

    /// Enters an object; `nextKey` then goes through it.
    public mutating func beginObject() throws(JSONError) { try begin(UInt8(ascii: "{")) }

    /// Enters an array; `nextElement` then goes through it.
    public mutating func beginArray() throws(JSONError) { try begin(UInt8(ascii: "[")) }

    /// The next member's key; its value must be read or skipped before the next call. Nil at the end of the object, which is left then.
    public mutating func nextKey() throws(JSONError) -> JSONString? {
        guard try nextMember(closing: UInt8(ascii: "}")) else { return nil }
        guard try nextByte() == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: position) }
        let key = try scanString(validating: true)
        try colon()
        return key
    }

    /// Whether another element follows, to be read or skipped before the next call. False at the end of the array, which is left then.
    public mutating func nextElement() throws(JSONError) -> Bool {
        try nextMember(closing: UInt8(ascii: "]"))
    }

    /// Moves past a value that somebody else has read: it begins at `position` and ends before `end`.
    public mutating func pass(to end: Int) {
        precondition(position...count ~= end, "the value ends within the document")
        position = end
    }

    /// Nothing but white space may follow the document.
    public mutating func finish() throws(JSONError) {
        skipWhitespace()
        guard position == count else { throw JSONError(.trailingBytes, at: position) }
    }

    // MARK: -

    private mutating func begin(_ opening: UInt8) throws(JSONError) {
        guard try nextByte() == opening else { throw JSONError(.wrongType, at: position) }
        guard depth < Self.maxDepth else { throw JSONError(.tooDeep, at: position) }
        depth += 1
        position += 1
        isFirst = true
    }

    /// Moves past the comma that is due; or past `closing`, and answers false.
    @inline(__always) mutating func nextMember(closing: UInt8) throws(JSONError) -> Bool {
        let byte = try nextByte()
        if byte == closing {
            position += 1
            depth -= 1
            isFirst = false
            return false
        }
        if isFirst {
            isFirst = false
        } else {
            guard byte == UInt8(ascii: ",") else { throw JSONError(.unexpectedByte, at: position) }
            position += 1
            // `[1,]` is not JSON; `{"a":1,}` fails as a key that is none.
            if try nextByte() == closing { throw JSONError(.unexpectedByte, at: position) }
        }
        return true
    }

    @inline(__always) mutating func colon() throws(JSONError) {
        guard try nextByte() == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: position) }
        position += 1
    }

    /// The next byte that is not white space, not consumed.
    @inline(__always) mutating func nextByte() throws(JSONError) -> UInt8 {
        skipWhitespace()
        guard position < count else { throw JSONError(.endOfInput, at: position) }
        return byte(at: position)
    }

    @inline(__always) mutating func skipWhitespace() {
        while position < count {
            let byte = byte(at: position)
            guard byte <= 0x20 else { return }
            guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return }
            position += 1
        }
    }

    /// `offset` must be below `count`: the callers compare first.
    @inline(__always) func byte(at offset: Int) -> UInt8 { base.load(fromByteOffset: offset, as: UInt8.self) }
}

/// What a JSON value is.
public enum JSONKind: UInt8, Sendable { case object, array, string, number, bool, null }
