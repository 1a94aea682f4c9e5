/// Writes one JSON document to bytes. Commas are put where they belong; that keys and values alternate is the caller's part.
///
///     var json = JSONWriter()
///     json.beginObject()
///     json.key("price")
///     json.decimal(units: 1250, scale: 2)     // 12.5
///     json.endObject()
///     json.withBytes { send($0) }
///
/// Meant to be kept and `reset`: it then allocates nothing. Room is reserved once a value, not once a byte.
public struct JSONWriter: ~Copyable {
    var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// Bytes written.
    public internal(set) var count = 0
    /// A value came before this one in the same array or object.
    private var needsComma = false
    /// The time written last and where its text begins: an answer repeats a few times for many values.
    var lastTime: (microseconds: Int64, offset: Int)?

    public init(reservingBytes capacity: Int = 256) {
        self.capacity = Swift.max(capacity, 64)
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    /// Forgets the document, keeps the memory.
    public mutating func reset() {
        count = 0
        needsComma = false
        lastTime = nil
    }

    /// The document in place.
    public func withBytes<R, E>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// A copy of the document.
    public var bytes: [UInt8] { Array(UnsafeBufferPointer(start: base, count: count)) }
    /// The document as text.
    public var text: String { String(decoding: UnsafeBufferPointer(start: base, count: count), as: UTF8.self) }

    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    public mutating func key(_ name: StaticString) {
        literal(string: name)
        colon()
    }

    /// A name that is not known when the program is compiled; escaped as strings are.
    public mutating func key(named name: String) {
        string(name)
        colon()
    }

    /// `utf8` must be valid UTF-8.
    public mutating func key(utf8: UnsafeRawBufferPointer) {
        string(utf8: utf8)
        colon()
    }

    /// A member of which the value is a string, in one call.
    public mutating func member(_ name: StaticString, _ value: String) {
        key(name)
        string(value)
    }

    public mutating func member(_ name: StaticString, _ value: some BinaryInteger) {
        key(name)
        int(Int64(value))
    }

    public mutating func string(_ value: String) {
        var value = value
        value.withUTF8 { string(utf8: UnsafeRawBufferPointer($0)) }
    }

    /// `utf8` must be valid UTF-8, as the values of the store are.
    public mutating func string(utf8: UnsafeRawBufferPointer) {
        reserve(utf8.count * 6 + 3)
        comma()
        put(UInt8(ascii: "\""))
        var clean = 0
        for offset in 0..<utf8.count {
            let byte = utf8[offset]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            copy(UnsafeRawBufferPointer(rebasing: utf8[clean..<offset]))
            escape(byte)
            clean = offset + 1
        }
        copy(UnsafeRawBufferPointer(rebasing: utf8[clean...]))
        put(UInt8(ascii: "\""))
    }

    public mutating func strings(_ values: some Sequence<String>) {
        beginArray()
        for value in values { string(value) }
        endArray()
    }

    public mutating func bool(_ value: Bool) { value ? literal("true") : literal("false") }
    public mutating func null() { literal("null") }

    /// A string that needs no escapes, known when the program is compiled.
    public mutating func literal(string text: StaticString) {
        reserve(text.utf8CodeUnitCount + 3)
        comma()
        put(UInt8(ascii: "\""))
        copy(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        put(UInt8(ascii: "\""))
    }

    /// A value, or members one after another, that are JSON already.
    public mutating func raw(_ json: [UInt8]) {
        reserve(json.count + 1)
        comma()
        json.withUnsafeBytes { copy($0) }
    }

    // MARK: -

    private mutating func open(_ byte: UInt8) {
        reserve(2)
        comma()
        put(byte)
        needsComma = false
    }

    private mutating func close(_ byte: UInt8) {
        reserve(1)
        put(byte)
        needsComma = true
    }

    private mutating func colon() {
        reserve(1)
        put(UInt8(ascii: ":"))
        needsComma = false
    }

    private mutating func literal(_ text: StaticString) {
        reserve(text.utf8CodeUnitCount + 1)
        comma()
        copy(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func escape(_ byte: UInt8) {
        put(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: put(UInt8(ascii: "b"))
        case 0x09: put(UInt8(ascii: "t"))
        case 0x0a: put(UInt8(ascii: "n"))
        case 0x0c: put(UInt8(ascii: "f"))
        case 0x0d: put(UInt8(ascii: "r"))
        case 0..<0x20:
            let low = byte & 15
            put(UInt8(ascii: "u"))
            put(UInt8(ascii: "0"))
            put(UInt8(ascii: "0"))
            put(UInt8(ascii: "0") + (byte >> 4))
            put(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        default: put(byte)
        }
    }

    // MARK: Bytes; `reserve` first

    @inline(__always)
    mutating func reserve(_ byteCount: Int) {
        if count + byteCount > capacity { grow(byteCount) }
    }

    @inline(never)
    private mutating func grow(_ byteCount: Int) {
        capacity = Swift.max(capacity * 2, count + byteCount)
        let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        grown.update(from: base, count: count)
        base.deallocate()
        base = grown
    }

    @inline(__always)
    mutating func comma() {
        if needsComma { put(UInt8(ascii: ",")) }
        needsComma = true
    }

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        base[count] = byte
        count += 1
    }

    @inline(__always)
    mutating func copy(_ source: UnsafeRawBufferPointer) {
        guard let start = source.baseAddress else { return }
        UnsafeMutableRawPointer(base + count).copyMemory(from: start, byteCount: source.count)
        count += source.count
    }
}
