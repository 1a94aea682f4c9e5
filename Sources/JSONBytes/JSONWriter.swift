/// Writes one JSON document to bytes. Commas are put where they belong; that keys and values alternate is the caller's part.
///
///     var json = JSONWriter()
///     json.beginObject()
///     json.key("price")
///     json.decimal(units: 1250, scale: 2)     // 12.5
///     json.endObject()
///     send(json.bytes)
public struct JSONWriter {
    public private(set) var bytes: [UInt8] = []
    /// A value came before this one in the same array or object.
    private var needsComma = false

    public init(reservingBytes capacity: Int = 256) { bytes.reserveCapacity(capacity) }

    /// Forgets the document, keeps the memory.
    public mutating func reset() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }

    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    public mutating func key(_ name: String) {
        string(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A member of which the value is a string, in one call.
    public mutating func member(_ name: String, _ value: String) {
        key(name)
        string(value)
    }

    public mutating func string(_ value: String) {
        var value = value
        value.withUTF8 { quoted(UnsafeRawBufferPointer($0)) }
    }

    /// `utf8` must be valid UTF-8, as the values of the store are.
    public mutating func string(utf8: UnsafeRawBufferPointer) { quoted(utf8) }

    public mutating func int(_ value: Int64) {
        comma()
        digits(Int128(value), scale: 0)
    }

    /// `units · 10^-scale`, exactly and without trailing zeros: 1250 with scale 2 is `12.5`. `scale` is 0...38.
    public mutating func decimal(units: Int128, scale: Int) {
        comma()
        digits(units, scale: scale)
    }

    /// The shortest text that reads back as the same double; `null` for infinities and NaN, which JSON does not have.
    public mutating func double(_ value: Double) {
        guard value.isFinite else { return null() }
        comma()
        bytes.append(contentsOf: value.description.utf8)
    }

    public mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }
    public mutating func null() { literal("null") }

    /// A value that is JSON already.
    public mutating func raw(_ json: some Collection<UInt8>) {
        comma()
        bytes.append(contentsOf: json)
    }

    // MARK: -

    private mutating func open(_ byte: UInt8) {
        comma()
        bytes.append(byte)
        needsComma = false
    }

    private mutating func close(_ byte: UInt8) {
        bytes.append(byte)
        needsComma = true
    }

    private mutating func comma() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func literal(_ text: StaticString) {
        comma()
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func quoted(_ utf8: UnsafeRawBufferPointer) {
        comma()
        bytes.append(UInt8(ascii: "\""))
        var clean = 0
        for (offset, byte) in utf8.enumerated() where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
            bytes.append(contentsOf: utf8[clean..<offset])
            escape(byte)
            clean = offset + 1
        }
        bytes.append(contentsOf: utf8[clean...])
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0a: bytes.append(UInt8(ascii: "n"))
        case 0x0c: bytes.append(UInt8(ascii: "f"))
        case 0x0d: bytes.append(UInt8(ascii: "r"))
        case 0..<0x20:
            let low = byte & 15
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(UInt8(ascii: "0") + (byte >> 4))
            bytes.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        default: bytes.append(byte)
        }
    }

    private mutating func digits(_ units: Int128, scale: Int) {
        var rest = units.magnitude
        var places = scale
        if rest == 0 { places = 0 }
        while places > 0, rest % 10 == 0 {
            rest /= 10
            places -= 1
        }
        if units < 0 { bytes.append(UInt8(ascii: "-")) }
        // Least significant digit first, then turned around. Small numbers stay in 64 bits, where division is cheap.
        let start = bytes.count
        var written = 0
        while rest > 0 || written <= places {
            if written == places, places > 0 { bytes.append(UInt8(ascii: ".")) }
            if let small = UInt64(exactly: rest) {
                bytes.append(UInt8(ascii: "0") + UInt8(small % 10))
                rest = UInt128(small / 10)
            } else {
                bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
                rest /= 10
            }
            written += 1
        }
        bytes[start...].reverse()
    }
}
